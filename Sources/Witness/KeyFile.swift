public import Foundation
public import Ledger

/// The file of a witness's key: one line in the form that signers of notes share, `PRIVATE+KEY+name+hash+base64`.
public enum KeyFile {
    /// Reads the key, or makes one where there is no file.
    ///
    /// - Parameters:
    ///   - file: readable by its owner alone.
    ///   - name: the witness's; it may be nil where the file is there.
    /// - Throws: ``WitnessFailure``.
    public static func open(_ file: URL, name: String?) throws -> Cosigner {
        if FileManager.default.fileExists(atPath: file.path) {
            guard let text = try? String(contentsOf: file, encoding: .utf8), let key = Cosigner(keyText: text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
                throw WitnessFailure("\(file.path) is no key of the form PRIVATE+KEY+name+hash+base64")
            }
            guard name == nil || name == key.verifier.name else {
                throw WitnessFailure("\(file.path) is the key of \(key.verifier.name), not of \(name ?? ""); a witness keeps its name")
            }
            let mode = (try? FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? NSNumber)?.intValue ?? 0
            guard mode & 0o077 == 0 else { throw WitnessFailure("\(file.path) can be read by others; chmod 600 it, or make a new key if somebody may have read it") }
            return key
        }
        guard let name else { throw WitnessFailure("there is no key yet: name the witness (--name), by habit its address without the scheme") }
        var generator = SystemRandomNumberGenerator()
        let seed = (0..<4).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        guard let cosigner = Cosigner(name: name, seed: seed), let text = Cosigner.keyText(name: name, seed: seed) else {
            throw WitnessFailure("'\(name)' cannot name a witness: no spaces, no plus sign, 255 bytes at most")
        }
        let descriptor = Foundation.open(file.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw WitnessFailure("\(file.path) cannot be made") }
        defer { close(descriptor) }
        let line = Array((text + "\n").utf8)
        guard line.withUnsafeBytes({ write(descriptor, $0.baseAddress, $0.count) }) == line.count, fsync(descriptor) == 0 else {
            throw WitnessFailure("\(file.path) cannot be written")
        }
        return cosigner
    }
}
