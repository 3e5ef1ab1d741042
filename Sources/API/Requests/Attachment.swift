/// `Content-Disposition` of a file that a reader keeps (RFC 6266).
enum Attachment {
    /// - Parameters:
    ///   - name: the name to keep it under; characters that file systems refuse become `_`.
    ///   - fallback: the same in ASCII, for clients that know nothing else.
    ///   - suffix: such as `.csv`.
    static func field(name: String, fallback: String, suffix: String) -> String {
        var kept = ""
        for scalar in name.unicodeScalars.prefix(80) {
            switch scalar {
            case "/", "\\", ":", "*", "?", "\"", "<", ">", "|", "\u{7F}", "\u{0}"..<"\u{20}": kept.append("_")
            default: kept.unicodeScalars.append(scalar)
            }
        }
        if kept.isEmpty || kept.first == "." { kept = fallback }
        return "attachment; filename=\"\(fallback)\(suffix)\"; filename*=UTF-8''\(PercentCoding.encode(kept + suffix))"
    }
}
