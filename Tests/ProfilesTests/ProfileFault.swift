import Foundation
import Model
import Profiles
import Testing

/// One change that makes the lighthouse profile wrong, where the validator must say so, and whether the meta-schema can see it too.
struct ProfileFault: Sendable, CustomTestStringConvertible {
    /// JSON pointer of what is changed; a last token `-` appends.
    let at: String
    /// JSON text put there; nil removes what is there.
    let value: String?
    /// Places that the validator must name.
    let places: [String]
    /// Needs no knowledge of other parts of the document or of our types' spellings.
    let isStructural: Bool

    init(_ at: String, _ value: String?, _ places: String..., structural: Bool = true) {
        self.at = at
        self.value = value
        self.places = places
        isStructural = structural
    }

    var testDescription: String { "\(at) = \(value ?? "removed")" }

    func applied(to document: [UInt8]) throws -> [UInt8] {
        let tree = try JSONSerialization.jsonObject(with: Data(document))
        let tokens = at.split(separator: "/").map { String($0).replacing("~1", with: "/").replacing("~0", with: "~") }
        let new = try value.map { try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed) }
        return Array(try JSONSerialization.data(withJSONObject: Self.change(tree, tokens[...], new) as Any))
    }

    private static func change(_ tree: Any, _ tokens: ArraySlice<String>, _ new: Any?) -> Any? {
        guard let token = tokens.first else { return new }
        if var members = tree as? [String: Any] {
            members[token] = change(members[token] ?? [String: Any](), tokens.dropFirst(), new)
            return members
        }
        guard var elements = tree as? [Any] else { return tree }
        if token == "-" {
            if let new { elements.append(new) }
        } else if let index = Int(token) {
            if let changed = change(elements[index], tokens.dropFirst(), new) { elements[index] = changed } else { elements.remove(at: index) }
        }
        return elements
    }

    static let all: [ProfileFault] = [
        // the profile
        ProfileFault("/id", "\"Light House\"", "/id"), ProfileFault("/id", nil, "/id"), ProfileFault("/version", "0", "/version"),
        ProfileFault("/version", "\"1\"", "/version"), ProfileFault("/version", "1.5", "/version"), ProfileFault("/title/zh", "\"\"", "/title/zh"),
        ProfileFault("/title", "\"灯塔\"", "/title"), ProfileFault("/domain", "\"sea marks\"", "/domain"), ProfileFault("/colour", "\"red\"", "/colour"),
        ProfileFault("/review_policy", "\"never\"", "/review_policy"), ProfileFault("/review_policy", nil, "/review_policy"),
        ProfileFault("/freshness/unit", "\"weeks\"", "/freshness/unit"), ProfileFault("/freshness/value", "0", "/freshness/value"),
        ProfileFault("/publishing_deadline/from", "\"launched_on\"", "/publishing_deadline/from", structural: false),
        ProfileFault("/publishing_deadline/from", "\"name\"", "/publishing_deadline/from", structural: false),
        ProfileFault("/publishing_deadline/source", "\"\"", "/publishing_deadline/source"), ProfileFault("/publishing_deadline/from", nil, "/publishing_deadline/from"),
        ProfileFault("/publicity_window/until", "\"height\"", "/publicity_window/until", structural: false),
        ProfileFault("/mappings/dcat/weather", "\"dct:x\"", "/mappings/dcat/weather", structural: false),
        ProfileFault("/mappings/ocds", "{\"light_color=blue\": \"x\"}", "/mappings/ocds/light_color=blue", structural: false),
        // fields
        ProfileFault("/schema/fields", "[]", "/schema/fields"), ProfileFault("/schema/fields/0/name", "\"Number\"", "/schema/fields/0/name"),
        ProfileFault("/schema/fields/3/name", "\"limit\"", "/schema/fields/3/name"), ProfileFault("/schema/fields/3/name", "\"xmin\"", "/schema/fields/3/name"), ProfileFault("/schema/fields/3/name", "\"dark__on\"", "/schema/fields/3/name"),
        ProfileFault("/schema/fields/3/name", "\"name\"", "/schema/fields/3/name", structural: false),
        ProfileFault("/schema/fields/1/title/zh", "\"射程\"", "/schema/fields/9/title/zh", structural: false),
        ProfileFault("/schema/fields/1/aliases", "[\"周期\"]", "/schema/fields/11/title/zh", structural: false),
        ProfileFault("/schema/fields/1/aliases", "[\"塔\", \"塔\"]", "/schema/fields/1/aliases/1"),
        ProfileFault("/schema/fields/1/type", "\"string\"", "/schema/fields/1/type"), ProfileFault("/schema/fields/6/type", "\"decimal(39,2)\"", "/schema/fields/6/type"),
        ProfileFault("/schema/fields/6/type", "\"decimal(4,6)\"", "/schema/fields/6/type", structural: false),
        ProfileFault("/schema/fields/1/visibility", nil, "/schema/fields/1/visibility"), ProfileFault("/schema/fields/1/visibility", "\"secret\"", "/schema/fields/1/visibility"),
        ProfileFault("/schema/fields/1/requried", "true", "/schema/fields/1/requried"), ProfileFault("/schema/fields/1/required", "\"yes\"", "/schema/fields/1/required"),
        ProfileFault("/schema/fields/13/values", "[]", "/schema/fields/13/values"), ProfileFault("/schema/fields/13/values", "[\"W\", \"W\"]", "/schema/fields/13/values/1"),
        ProfileFault("/schema/fields/13/code_list", "\"colours\"", "/schema/fields/13/values"),
        ProfileFault("/schema/fields/12/values", "[\"01\"]", "/schema/fields/12/values/0", structural: false),
        ProfileFault("/schema/fields/12/values", "[\"many\"]", "/schema/fields/12/values/0", structural: false),
        ProfileFault("/schema/fields/18/values", "[\"{}\"]", "/schema/fields/18/values"),
        ProfileFault("/schema/fields/14/code_list", "\"Kinds\"", "/schema/fields/14/code_list"), ProfileFault("/schema/fields/12/code_list", "\"kinds\"", "/schema/fields/12/code_list"),
        ProfileFault("/schema/fields/6/minimum", "\"low\"", "/schema/fields/6/minimum", structural: false),
        ProfileFault("/schema/fields/6/minimum", "\"500\"", "/schema/fields/6/minimum", structural: false),
        ProfileFault("/schema/fields/1/minimum", "\"a\"", "/schema/fields/1/minimum"), ProfileFault("/schema/fields/2/maximum", "\"2100-13-01\"", "/schema/fields/2/maximum", structural: false),
        ProfileFault("/schema/fields/0/pattern", "\"[A-Z\"", "/schema/fields/0/pattern", structural: false),
        ProfileFault("/schema/fields/0/pattern", "\"(?=a)b\"", "/schema/fields/0/pattern", structural: false),
        ProfileFault("/schema/fields/12/pattern", "\"1\"", "/schema/fields/12/pattern"), ProfileFault("/schema/fields/1/max_length", "0", "/schema/fields/1/max_length"),
        ProfileFault("/schema/fields/12/max_length", "5", "/schema/fields/12/max_length"),
        ProfileFault("/schema/fields/21/mask", "\"phone\"", "/schema/fields/21/mask"), ProfileFault("/schema/fields/12/mask", "\"phone\"", "/schema/fields/12/mask"),
        ProfileFault("/schema/fields/21/visibility", "\"public\"", "/schema/fields/21/visibility"),
        // keys and orders
        ProfileFault("/schema/primary_key", "[]", "/schema/primary_key"), ProfileFault("/schema/primary_key", nil, "/schema/primary_key"),
        ProfileFault("/schema/primary_key/0", "\"number\"", "/schema/primary_key/0", structural: false),
        ProfileFault("/schema/primary_key/-", "\"lighthouse_no\"", "/schema/primary_key/2"),
        ProfileFault("/schema/primary_key/-", "\"keeper_phone\"", "/schema/primary_key/2", structural: false),
        ProfileFault("/schema/primary_key/-", "\"keeper_name\"", "/schema/primary_key/2", structural: false),
        ProfileFault("/schema/primary_key/-", "\"dark_on\"", "/schema/primary_key/2", structural: false),
        ProfileFault("/schema/primary_key/-", "\"equipment\"", "/schema/primary_key/2", structural: false),
        ProfileFault("/schema/natural_order/-", "\"keeper_phone\"", "/schema/natural_order/2", structural: false),
        ProfileFault("/schema/time_field", "\"name\"", "/schema/time_field", structural: false), ProfileFault("/schema/time_field", "\"gone\"", "/schema/time_field", structural: false),
        ProfileFault("/schema/indexes/0", "[]", "/schema/indexes/0"), ProfileFault("/schema/indexes/0/0", "\"keeper_id\"", "/schema/indexes/0/0", structural: false),
        // checks
        ProfileFault("/schema/checks/0/kind", "\"sql\"", "/schema/checks/0/kind"), ProfileFault("/schema/checks/0/later", nil, "/schema/checks/0/later"),
        ProfileFault("/schema/checks/0/field", "\"lit_on\"", "/schema/checks/0/field"), ProfileFault("/schema/checks/0/severity", "\"fatal\"", "/schema/checks/0/severity"),
        ProfileFault("/schema/checks/0/later", "\"gone_on\"", "/schema/checks/0/later", structural: false),
        ProfileFault("/schema/checks/0/later", "\"inspected_at\"", "/schema/checks/0/later", structural: false),
        ProfileFault("/schema/checks/0/earlier", "\"name\"", "/schema/checks/0/earlier", structural: false),
        ProfileFault("/schema/checks/2/parts", "[]", "/schema/checks/2/parts"), ProfileFault("/schema/checks/2/parts/0", "\"name\"", "/schema/checks/2/parts/0", structural: false),
        ProfileFault("/schema/checks/2/total", "\"tower_height\"", "/schema/checks/2/total", structural: false), ProfileFault("/schema/checks/2/tolerance", "\"-1\"", "/schema/checks/2/tolerance"),
        ProfileFault("/schema/checks/2/tolerance", "\"little\"", "/schema/checks/2/tolerance"), ProfileFault("/schema/checks/3/maximum_field", nil, "/schema/checks/3/minimum"),
        ProfileFault("/schema/checks/3/maximum", "\"5\"", "/schema/checks/3/maximum"), ProfileFault("/schema/checks/3/field", "\"name\"", "/schema/checks/3/field", structural: false),
        ProfileFault("/schema/checks/5/when/values", "[\"TRUE\"]", "/schema/checks/5/when/values/0", structural: false),
        ProfileFault("/schema/checks/5/when/field", "\"manned\"", "/schema/checks/5/when/field", structural: false), ProfileFault("/schema/checks/6/when", nil, "/schema/checks/6/when"),
        ProfileFault("/schema/checks/6/when", "{\"field\": \"light_period\"}", "/schema/checks/6/when"),
        ProfileFault("/schema/checks/6/when", "{\"field\": \"name\", \"minimum\": \"1\"}", "/schema/checks/6/when/minimum", structural: false),
        ProfileFault("/schema/checks/7/pattern", "\"*\"", "/schema/checks/7/pattern", structural: false), ProfileFault("/schema/checks/8/scheme", "\"isbn\"", "/schema/checks/8/scheme"),
        ProfileFault("/schema/checks/8/field", "\"height\"", "/schema/checks/8/field", structural: false), ProfileFault("/schema/checks/10/fields/0", "\"title\"", "/schema/checks/10/fields/0", structural: false),
        ProfileFault("/schema/checks/10/when", "{\"field\": \"name\", \"present\": true}", "/schema/checks/10/when"), ProfileFault("/schema/checks/11/list", "\"A B\"", "/schema/checks/11/list"),
        ProfileFault("/schema/checks/12/field", "\"height\"", "/schema/checks/12/field", structural: false),
        ProfileFault("/schema/checks/-", #"{"kind": "foreign_key", "fields": ["name"], "dataset": "ports", "references": ["a", "b"]}"#, "/schema/checks/13/references", structural: false),
        ProfileFault("/schema/checks/-", #"{"kind": "foreign_key", "fields": ["name"], "dataset": "The Ports", "references": ["a"]}"#, "/schema/checks/13/dataset"),
        ProfileFault("/schema/checks/-", #"{"kind": "hierarchy_sums", "code": "kind", "amount": "height", "lengths": [3]}"#, "/schema/checks/13/lengths"),
        ProfileFault("/schema/checks/-", #"{"kind": "hierarchy_sums", "code": "kind", "amount": "height", "lengths": [5, 3]}"#, "/schema/checks/13/lengths", structural: false),
        ProfileFault("/schema/checks/-", #"{"kind": "balance", "side": "light_color", "amount": "height", "left": ["W"], "right": ["W"]}"#, "/schema/checks/13/right", structural: false),
        ProfileFault("/schema/checks/-", #"{"kind": "balance", "side": "light_color", "amount": "name", "left": ["W"], "right": ["R"]}"#, "/schema/checks/13/amount", structural: false),
        ProfileFault("/schema/checks/-", #"{"kind": "tolerance", "field": "flashes", "other": "height", "tolerance": "0.000000000000000000001"}"#, "/schema/checks/13", structural: false),
        // formulas
        ProfileFault("/schema/derived/0/kind", "\"guess\"", "/schema/derived/0/kind"), ProfileFault("/schema/derived/0/inputs/base", nil, "/schema/derived/0/inputs/base"),
        ProfileFault("/schema/derived/0/inputs/part", "\"name\"", "/schema/derived/0/inputs/part", structural: false), ProfileFault("/schema/derived/0/lake", "\"automated\"", "/schema/derived/0/lake"),
        ProfileFault("/schema/derived/0/field", "\"flashes\"", "/schema/derived/0/field", structural: false),
        ProfileFault("/schema/derived/-", #"{"kind": "aqi", "field": "flashes", "inputs": {"so2": "height"}, "period": "hourly"}"#, "/schema/derived/1/time"),
        ProfileFault("/schema/derived/-", #"{"kind": "aqi", "field": "flashes", "inputs": {"radon": "height"}, "period": "hourly", "time": "inspected_at"}"#, "/schema/derived/1/inputs/radon"),
        ProfileFault("/schema/derived/-", #"{"kind": "water_class", "field": "height", "inputs": {"ph": "height"}}"#, "/schema/derived/1/field", structural: false),
        ProfileFault(
            "/schema/derived/-", #"{"kind": "percentage", "field": "range_share", "inputs": {"part": "height", "base": "tower_height"}}"#, "/schema/derived/1", structural: false),
        ProfileFault("/schema/derived/0/field", "\"lamp_range\"", "/schema/derived/0", structural: false),
        // Roll-ups.
        ProfileFault("/schema/rollups/0/name", "\"No name\"", "/schema/rollups/0/name"), ProfileFault("/schema/rollups/0/group_by", nil, "/schema/rollups/0/group_by"),
        ProfileFault("/schema/rollups/0/group_by", "[]", "/schema/rollups/0/group_by"),
        ProfileFault("/schema/rollups/0/group_by/0", "\"keeper_name\"", "/schema/rollups/0/group_by", structural: false),
        ProfileFault("/schema/rollups/0/group_by/1", "\"week(inspected_at)\"", "/schema/rollups/0/group_by", structural: false),
        ProfileFault("/schema/rollups/0/select/0", "\"avg(repair_cost)\"", "/schema/rollups/0/select", structural: false),
        ProfileFault("/schema/rollups/0/select/0", "\"p50(lamp_range)\"", "/schema/rollups/0/select"),
        ProfileFault(
            "/schema/rollups/-", #"{"name": "colours", "group_by": ["kind"]}"#, "/schema/rollups/1/name", structural: false),
        ProfileFault(
            "/schema/rollups/-", #"{"name": "same", "group_by": ["light_color", "month(inspected_at)"], "select": ["max(height)", "avg(lamp_range)"]}"#, "/schema/rollups/1",
            structural: false),
    ]
}
