extension Policy {
    /// Value of `RateLimit-Policy`: a structured field list of one item, named after the class of action
    /// (draft-ietf-httpapi-ratelimit-headers-10, section 3).
    public func field(_ tier: Tier, _ action: ActionClass) -> String {
        let limit = self[tier, action]
        return "\"\(action.rawValue)\";q=\(limit.quota);w=\(limit.window)"
    }
}

extension Decision {
    /// Value of `RateLimit`: what is left and when it is restored (draft-ietf-httpapi-ratelimit-headers-10, section 4).
    public func field(_ action: ActionClass) -> String {
        "\"\(action.rawValue)\";r=\(remaining);t=\(reset)"
    }
}
