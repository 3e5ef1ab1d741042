import ArgumentParser
import Exchange
import Foundation

/// `daylight exchange open`: opens a file that was sealed to a department's key, with no network.
struct OpenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Open a sealed file. 打开加密交付的文件。",
        discussion: "Any program that knows the age format opens it too, such as age -d -i KEY FILE.")

    @Argument(help: "The file that was downloaded.") var file: String
    @Option(help: "A file with the secret key, AGE-SECRET-KEY-1…, as `daylight exchange keygen` and age-keygen write it.") var key: String
    @Option(name: .shortAndLong, help: "Where to write what is inside; the file's name without .age where it is not given.") var output: String?

    func run() throws {
        let target = try output ?? implied()
        let identities = try SealingKeyFile.read(key)
        let part = target + ".part"
        for (index, identity) in identities.enumerated() {
            do {
                try open(by: identity, into: part)
                guard rename(part, target) == 0 else { throw Failure("cannot write \(target)") }
                return
            } catch AgeOpener.Failure.otherKey where index < identities.count - 1 {
                continue
            } catch let failure as AgeOpener.Failure {
                try? FileManager.default.removeItem(atPath: part)
                throw Failure(Self.explain(failure, file))
            }
        }
    }

    private func implied() throws -> String {
        guard file.hasSuffix(".age") else { throw ValidationError("say where to write it: --output") }
        return String(file.dropLast(4))
    }

    private func open(by identity: AgeKey, into part: String) throws {
        guard let source = FileHandle(forReadingAtPath: file) else { throw Failure("cannot read \(file)") }
        defer { try? source.close() }
        guard FileManager.default.createFile(atPath: part, contents: nil, attributes: [.posixPermissions: 0o600]), let target = FileHandle(forWritingAtPath: part) else {
            throw Failure("cannot write \(part)")
        }
        defer { try? target.close() }
        var opener = AgeOpener { try source.read(upToCount: $0).map { Array($0) } ?? [] }
        try opener.open(by: identity) { try target.write(contentsOf: $0) }
    }

    private static func explain(_ failure: AgeOpener.Failure, _ file: String) -> String {
        switch failure {
        case .malformed: "\(file) is no sealed file, or its head was changed. 不是加密文件，或文件头已被改动"
        case .otherKey: "\(file) was not sealed to this key. 该文件不是用此公钥加密的"
        case .damaged: "\(file) is damaged, or its end is missing: go on with the download. 文件损坏或不完整，请继续下载"
        }
    }
}

/// `daylight exchange keygen`: a new pair of keys for sealed files.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "keygen", abstract: "Make a pair of keys for sealed files. 生成文件加密密钥对。")

    @Argument(help: "Where to write the secret key; the file must not be there yet.") var file: String

    func run() throws {
        let identity = AgeKey.generate()
        guard let recipient = identity.recipient else { throw Failure("no key could be made") }
        let descriptor = Foundation.open(file, O_WRONLY | O_CREAT | O_EXCL, 0o600)
        guard descriptor >= 0 else { throw Failure("cannot write \(file): it is there already, or its folder is not") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try handle.write(contentsOf: Data("# public key: \(recipient.text)\n\(identity.text)\n".utf8))
        print(recipient.text)
    }
}

/// A file of secret keys, one on a line; lines that begin with # say something else.
enum SealingKeyFile {
    static func read(_ path: String) throws -> [AgeKey] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw Failure("cannot read \(path)") }
        let keys = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty && !$0.hasPrefix("#") }
            .compactMap { AgeKey($0) }.filter { $0.kind == .identity }
        guard !keys.isEmpty else { throw Failure("\(path) has no line AGE-SECRET-KEY-1…") }
        return keys
    }
}
