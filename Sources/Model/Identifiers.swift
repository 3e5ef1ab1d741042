/// Check characters of the national numbering schemes (domain.md D5), over ASCII bytes without allocating.
public enum Identifiers {
    private static let creditAlphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY".utf8)
    private static let creditValues: [Int8] = {
        var table = [Int8](repeating: -1, count: 256)
        for (value, character) in creditAlphabet.enumerated() { table[Int(character)] = Int8(value) }
        return table
    }()
    private static let creditWeights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]
    private static let organisationWeights = [3, 7, 9, 10, 5, 8, 4, 2]
    private static let citizenWeights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    private static let citizenCheck = Array("10X98765432".utf8)

    /// GB 32100-2015: 18 characters, the last one over weights 3^(i−1) mod 31.
    public static func isCreditCode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 18 else { return false }
        var sum = 0
        for i in 0..<17 {
            let value = Int(creditValues[Int(bytes[i])])
            guard value >= 0 else { return false }
            sum += value * creditWeights[i]
        }
        return bytes[17] == creditAlphabet[(31 - sum % 31) % 31]
    }

    /// The whole code for the first 17 characters, nil where one of them is not of the alphabet.
    public static func creditCode(body: String) -> String? {
        let bytes = Array(body.utf8)
        guard bytes.count == 17 else { return nil }
        var sum = 0
        for (i, byte) in bytes.enumerated() {
            let value = Int(creditValues[Int(byte)])
            guard value >= 0 else { return nil }
            sum += value * creditWeights[i]
        }
        return body + String(UnicodeScalar(creditAlphabet[(31 - sum % 31) % 31]))
    }

    /// GB 11714: 9 characters, the last one 11 − Σ mod 11, with 10 written X and 11 written 0.
    public static func isOrganisationCode(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 9 else { return false }
        var sum = 0
        for i in 0..<8 {
            let byte = bytes[i]
            let value: Int
            switch byte {
            case 0x30...0x39: value = Int(byte) - 0x30
            case 0x41...0x5A: value = Int(byte) - 0x41 + 10
            default: return false
            }
            sum += value * organisationWeights[i]
        }
        let check = 11 - sum % 11
        return bytes[8] == (check == 10 ? 0x58 : check == 11 ? 0x30 : UInt8(0x30 + check))
    }

    /// GB 11643-1999: 18 characters with a real date of birth and a check character.
    public static func isCitizenNumber(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count == 18 else { return false }
        var sum = 0
        for i in 0..<17 {
            let digit = Int(bytes[i]) - 0x30
            guard (0...9).contains(digit) else { return false }
            sum += digit * citizenWeights[i]
        }
        let last = bytes[17] == 0x78 ? 0x58 : bytes[17]
        guard last == citizenCheck[sum % 11] else { return false }
        func digits(_ range: Range<Int>) -> Int { range.reduce(0) { $0 * 10 + Int(bytes[$1]) - 0x30 } }
        return CalendarDate(year: digits(6..<10), month: digits(10..<12), day: digits(12..<14)) != nil
    }

    public static func isCreditCode(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes(isCreditCode) }
    public static func isOrganisationCode(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes(isOrganisationCode) }
    public static func isCitizenNumber(_ text: String) -> Bool { Array(text.utf8).withUnsafeBytes(isCitizenNumber) }

    /// A dataset's identifier: lower-case letters, digits and hyphens, 2 to 100 characters.
    public static func isDatasetIdentifier(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (2...100).contains(bytes.count), bytes[0] != 0x2D else { return false }
        return bytes.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D }
    }

    /// A field's name: a lower-case letter, then letters, digits and underscores, 63 at most.
    public static func isFieldName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), bytes[0] >= 0x61, bytes[0] <= 0x7A else { return false }
        return bytes.allSatisfy { ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F }
    }
}
