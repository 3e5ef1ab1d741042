/// The values of JSON Schema's `format` that are asserted.
enum StringFormat: String {
    case date, uuid, email
    case dateTime = "date-time"
    case uri
    case uriReference = "uri-reference"

    func admits(_ text: String) -> Bool {
        switch self {
        case .date: text.wholeMatch(of: /[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])/) != nil
        case .dateTime:
            text.wholeMatch(
                of: /[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])(:[0-5][0-9]){2}(\.[0-9]+)?(Z|[-+]([01][0-9]|2[0-3]):[0-5][0-9])/
            ) != nil
        case .uuid: text.wholeMatch(of: /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/) != nil
        case .email: text.wholeMatch(of: /[^@\s]+@[^@\s]+/) != nil
        case .uri: text.wholeMatch(of: /[a-z][a-z0-9+.-]*:[!-~]+/) != nil
        case .uriReference: text.wholeMatch(of: /[!-~]*/) != nil
        }
    }
}
