import Crypto
import Foundation
import Model

/// A department's Ed25519 key on disk, for its owner alone: mode 0600.
struct SigningKeyFile: Codable {
    var format = "daylight-signing-key/1"
    /// What the server calls it; nil before it is registered.
    var id: String?
    /// 32 bytes in base64.
    var publicKey: String
    /// The private key of RFC 8032 section 5.1.5, 32 bytes in base64.
    var privateKey: String
    var label: String?

    init(label: String?) {
        let key = Curve25519.Signing.PrivateKey()
        publicKey = key.publicKey.rawRepresentation.base64EncodedString()
        privateKey = key.rawRepresentation.base64EncodedString()
        self.label = label
    }

    /// Reads a key.
    ///
    /// - Throws: `Unreadable` where it is none, or where others may read it.
    init(reading path: String) throws {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else { throw Unreadable(zh: "无法读取密钥文件 \(path)", en: "cannot read the key file \(path)") }
        let mode = (try? FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int) ?? 0o600
        guard mode & 0o077 == 0 else { throw Unreadable(zh: "密钥文件 \(path) 他人可读；请执行 chmod 600 \(path)", en: "others can read the key file \(path); run chmod 600 \(path)") }
        guard let file = try? JSON.decoder().decode(Self.self, from: data), file.format == "daylight-signing-key/1", file.key != nil else {
            throw Unreadable(zh: "\(path) 不是 daylight exchange key make 生成的密钥文件", en: "\(path) is no key file of daylight exchange key make")
        }
        self = file
    }

    /// The private key; nil where the text is none.
    var key: Curve25519.Signing.PrivateKey? {
        Data(base64Encoded: privateKey).flatMap { try? Curve25519.Signing.PrivateKey(rawRepresentation: $0) }
    }

    /// Writes it whole or not at all.
    ///
    /// - Parameter isNew: refuses to write over a file.
    /// - Throws: `Unreadable`.
    func write(to path: String, isNew: Bool = false) throws {
        if isNew, FileManager.default.fileExists(atPath: path) { throw Unreadable(zh: "\(path) 已存在；密钥不会被覆盖", en: "\(path) is there already; a key is not written over") }
        let temporary = path + ".tmp"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Unreadable(zh: "无法写入 \(path)", en: "cannot write \(path)") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: try JSON.encoder(pretty: true).encode(self) + Data("\n".utf8))
            try handle.synchronize()
            try handle.close()
        } catch {
            throw Unreadable(zh: "无法写入 \(path)", en: "cannot write \(path)")
        }
        guard rename(temporary, path) == 0 else { throw Unreadable(zh: "无法写入 \(path)", en: "cannot write \(path)") }
    }
}
