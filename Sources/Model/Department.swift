/// An organisation that provides, reviews or receives data.
public struct Department: Sendable, Hashable, Codable {
    public enum Level: String, Sendable, Codable, CaseIterable { case region, prefecture, county }

    /// The unified social credit code (GB 32100-2015), 18 characters.
    public var uscc: String
    public var name: LocalizedText
    public var level: Level
    /// GB/T 2260 division code, 6 digits.
    public var region: String
    public var contact: Contact?
    /// The address of the node where it publishes; nil for this one.
    public var node: String?

    public init(uscc: String, name: LocalizedText, level: Level, region: String, contact: Contact? = nil, node: String? = nil) {
        self.node = node
        self.uscc = uscc
        self.name = name
        self.level = level
        self.region = region
        self.contact = contact
    }
}

/// An office that answers questions; never a private person's number.
public struct Contact: Sendable, Hashable, Codable {
    public var name: String?
    public var phone: String?
    public var email: String?

    public init(name: String? = nil, phone: String? = nil, email: String? = nil) {
        self.name = name
        self.phone = phone
        self.email = email
    }
}
