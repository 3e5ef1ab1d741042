import CSV
import Glibc
import Testing

/// Real files, read where they stand. What is expected was computed once with Python's csv module.
struct SourceFileTests {
    struct File: Sendable, CustomTestStringConvertible {
        let path: String
        var charset = "UTF-8"
        var delimiter = Dialect.Delimiter.comma
        /// Records without the header.
        let rows: Int
        let fields: Int
        /// Line ends in the file, those inside quotes included.
        let lineEnds: Int
        /// FNV-1a over all fields, each followed by 1F, each record by 1E.
        let fingerprint: UInt64
        var testDescription: String { path }
    }

    static let files: [File] = [
        File(
            path: "trading/cn_public_resource/hangzhou_参数抽取信息_gbk.csv",
            charset: "GBK",
            rows: 1_032,
            fields: 29,
            lineEnds: 1_033,
            fingerprint: 0x8678_1884_7154_23FC
        ),
        File(
            path: "trading/cn_public_resource/hangzhou_开标项目信息_2023-10-30_gbk.csv",
            charset: "GBK",
            rows: 916,
            fields: 10,
            lineEnds: 917,
            fingerprint: 0xF9E8_AE43_CBB5_1D82
        ),
        File(
            path: "trading/cn_public_resource/hangzhou_招标公告_2023-08-29_gbk.csv",
            charset: "GB2312",
            rows: 978,
            fields: 11,
            lineEnds: 979,
            fingerprint: 0x3761_3A71_010B_860A
        ),
        File(
            path: "trading/cn_public_resource/lishui_开标记录_2023-08-30.csv",
            rows: 5_836,
            fields: 11,
            lineEnds: 5_837,
            fingerprint: 0xFAE8_7DD4_B750_2A6B
        ),
        File(
            path: "trading/cn_public_resource/lishui_开标记录_gbk.csv",
            charset: "GB18030",
            rows: 5_996,
            fields: 6,
            lineEnds: 5_997,
            fingerprint: 0x46EB_82C4_0378_2D31
        ),
        File(
            path: "poverty/eu_structural_funds/EL__ListOfOperations_20160513.csv.gz",
            charset: "windows-1253",
            delimiter: .semicolon,
            rows: 2_029,
            fields: 14,
            lineEnds: 4_450,
            fingerprint: 0x8AB6_1E9B_7C7A_40CF
        ),
        File(
            path: "poverty/eu_structural_funds/DE__ESF-Bayern-2007-2013.csv.gz",
            rows: 14_614,
            fields: 6,
            lineEnds: 31_165,
            fingerprint: 0x6C56_1F75_E0F4_5A84
        ),
        File(
            path: "poverty/eu_structural_funds/DE__ESF-Data-NRW-2007-2013.csv.gz",
            rows: 39_961,
            fields: 5,
            lineEnds: 42_004,
            fingerprint: 0x575C_5286_56D3_FE48
        ),
        File(
            path: "poverty/eu_structural_funds/DE__2016-06-30_Liste_der_Vorhaben_ESF_2014-2020.csv.gz",
            rows: 5_748,
            fields: 13,
            lineEnds: 5_749,
            fingerprint: 0x8472_A942_6F73_9BF9
        ),
        File(
            path: "poverty/eu_structural_funds/HR__ESIF_Croatia_2007-2020.csv.gz",
            rows: 2_532,
            fields: 12,
            lineEnds: 4_140,
            fingerprint: 0x07A1_1B58_66DA_8F7F
        ),
        File(
            path: "poverty/eu_structural_funds/PL__Poland_ESF_2014_2020.csv",
            charset: "windows-1250",
            delimiter: .semicolon,
            rows: 2_437,
            fields: 7,
            lineEnds: 2_437,
            fingerprint: 0x8163_4930_F773_99B0
        ),
        File(
            path: "budgets/fiscal_data_packages/au-budget/data/201505181230budget1516.csv",
            rows: 1_608,
            fields: 15,
            lineEnds: 1_614,
            fingerprint: 0x99A5_AA2C_6AD7_76D5
        ),
    ]

    /// What one reading of a file found.
    struct Summary {
        var records = 0
        var faults: [CSVError] = []
        var widths: [Int: Int] = [:]
        var lastLine = 0
        var fingerprint: UInt64 = 0xCBF2_9CE4_8422_2325
        var delimiter: Dialect.Delimiter?

        mutating func mix(_ byte: UInt8) {
            fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }

    @Test(arguments: files)
    func filesAreReadAsPythonReadsThem(_ file: File) throws {
        guard let input = Self.contents(file.path) else { return }
        let summary = try Self.summary(input, charset: file.charset, count: .asFirstRecord)
        #expect(summary.records == file.rows + 1)
        #expect(summary.widths == [file.fields: file.rows + 1])
        #expect(summary.faults == [])
        #expect(summary.delimiter == file.delimiter)
        #expect(summary.fingerprint == file.fingerprint)
        #expect(summary.lastLine <= file.lineEnds + 1)
        #expect(summary.lastLine > file.lineEnds - 20)
    }

    @Test func raggedRowsOfTheFinnishListAreReportedAndTheRestIsRead() throws {
        guard let input = Self.contents("poverty/eu_structural_funds/FI__projektilista-2007-2013_old.csv.gz") else { return }
        let summary = try Self.summary(input, charset: "windows-1252", count: .asFirstRecord)
        #expect(summary.records == 19_941)
        #expect(summary.widths == [14: 8_840, 15: 2_910, 16: 7_424, 17: 645, 18: 93, 20: 8, 19: 21])
        // 11,101 rows are wider than the header; 50 rows break the rules for quotes, 35 of them wide as well.
        let ragged = summary.faults.filter { $0.kind == .fieldCount }
        let quotes = summary.faults.filter { $0.kind == .textAfterQuote || $0.kind == .bareQuote }
        #expect(ragged.count == 11_066)
        #expect(ragged.allSatisfy { $0.expected == 14 && ($0.actual ?? 0) > 14 })
        #expect(quotes.count == 50)
        #expect(quotes.prefix(3).map(\.line) == [178, 487, 687])
        #expect(summary.faults.count == 11_116)
        #expect(summary.lastLine == 19_941)
    }

    @Test func theHessianListHasTwoBlankLinesAndAShortHeader() throws {
        guard let input = Self.contents("poverty/eu_structural_funds/DE__Hessen-ERDF-2007_2013.duplicates.csv") else { return }
        let summary = try Self.summary(input, charset: "UTF-8", delimiter: .comma, count: .asFirstRecord)
        #expect(summary.widths == [1: 1, 5: 5_678])
        #expect(summary.faults.count == 5_678)
        #expect(summary.faults.first?.expected == 1)
    }

    @Test func aWrongCharsetIsRefusedWithItsLine() throws {
        guard let greek = Self.contents("poverty/eu_structural_funds/EL__ListOfOperations_20160513.csv.gz") else { return }
        do throws(CSVError) {
            _ = try Self.summary(greek, charset: "UTF-8", count: .any)
            Issue.record("Greek text in windows-1253 passed for UTF-8")
        } catch {
            #expect(error.kind == .invalidSequence)
            #expect(error.line == 1)
        }
    }

    /// Unpacks, decodes and reads the bytes of a file in chunks of an odd size.
    static func summary(
        _ input: [UInt8],
        charset: String,
        delimiter: Dialect.Delimiter? = nil,
        count: FieldCount
    ) throws(CSVError) -> Summary {
        var decoder = try CharsetDecoder(charset: charset)
        var inflater = Inflater()
        var reader = RecordReader(dialect: Dialect(delimiter: delimiter), fieldCount: count)
        var summary = Summary()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 10_007, alignment: 1)
        defer { buffer.deallocate() }
        let zipped = input.starts(with: [0x1F, 0x8B])
        func note(_ record: borrowing Record) {
            summary.records += 1
            summary.widths[record.count, default: 0] += 1
            summary.lastLine = record.line
            if let fault = record.fault { summary.faults.append(fault) }
            for index in 0..<record.count {
                for byte in record[index] { summary.mix(byte) }
                summary.mix(0x1F)
            }
            summary.mix(0x1E)
        }
        var sink = ByteSink()
        for start in stride(from: 0, to: input.count, by: 4_001) {
            sink.removeAll()
            sink.append(contentsOf: Array(input[start..<min(input.count, start + 4_001)]))
            try sink.withUnsafeBytes { chunk throws(CSVError) in
                let read = { (text: UnsafeRawBufferPointer) throws(CSVError) -> Void in
                    reader.feed(text) { record in
                        note(record)
                        return .next
                    }
                }
                guard zipped else { return try decoder.decode(chunk, final: false, read) }
                try inflater.inflate(chunk, buffer: buffer) { piece throws(CSVError) in
                    try decoder.decode(piece, final: false, read)
                }
            }
        }
        if zipped { try inflater.finish() }
        try decoder.decode(UnsafeRawBufferPointer(start: nil, count: 0), final: true) { _ in }
        summary.delimiter = reader.delimiter
        reader.finish { record in
            note(record)
            return .next
        }
        return summary
    }

    /// The bytes of a file of the data folder beside the project; nil, and a line that says so, when it is not there.
    static func contents(_ path: String) -> [UInt8]? {
        var root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast()
        while root.count > 1 {
            let candidate = root.joined(separator: "/") + "/shared/data/" + path
            if let file = fopen(candidate, "rb") {
                defer { fclose(file) }
                var bytes: [UInt8] = []
                var block = [UInt8](repeating: 0, count: 1 << 16)
                while true {
                    let count = fread(&block, 1, block.count, file)
                    if count == 0 { return bytes }
                    bytes += block[0..<count]
                }
            }
            root = root.dropLast()
        }
        print("skipped, ../shared/data has no \(path)")
        return nil
    }
}
