import Foundation
import Testing

@testable import Model

/// The standard's own grammar and schema, read where they stand beside the project.
@Suite struct FilterGrammarTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data/schemas/ogc-cql2")

    private static func text(_ name: String) -> String? {
        let text = try? String(contentsOf: folder.appending(path: name), encoding: .utf8)
        if text == nil { print("skipped: \(name) is not there") }
        return text
    }

    /// What the conformance classes that are not declared bring.
    private static let undeclared: Set<String> = ["function", "spatialPredicate", "spatialInstance", "arrayPredicate", "ACCENTI"]

    private static func grammar(_ text: String, without: Set<String>) -> Grammar {
        let two = { @Sendable (low: Int, high: Int) in
            { @Sendable (random: inout Generator) in
                let number = low + random.below(high - low + 1)
                return number < 10 ? "0\(number)" : "\(number)"
            }
        }
        return Grammar(
            text, words: ["propertyName", "characterLiteral", "numericLiteral", "signedNumericLiteral", "comparisonOperator", "dateInstantString", "timestampInstantString"], without: without,
            // What the grammar leaves open: days that are, and exponents of numbers that any field could hold.
            instead: [
                "dateYear": { "19" + two(0, 99)(&$0) }, "dateMonth": two(1, 12), "dateDay": two(1, 28), "timeHour": two(0, 23), "timeMinute": two(0, 59), "timeSecond": { two(0, 59)(&$0) + ["", ".5", ".250000"][$0.below(3)] },
                "exponent": { ["", "+", "-"][$0.below(3)] + "\($0.below(30))" },
                // A keyword that is not meant as one stands in quotes.
                "identifier": { random in "f" + ["", "_1", ".a", "汉字", ":é"][random.below(5)] },
            ])
    }

    @Test(arguments: [1, 2, 3] as [UInt64]) func everySentenceOfTheDeclaredClassesIsRead(seed: UInt64) throws {
        guard let text = Self.text("cql2.bnf") else { return }
        let grammar = Self.grammar(text, without: Self.undeclared)
        var random = Generator(state: seed)
        var (seen, tooDeep, tooLong) = ("", 0, 0)
        for round in 0..<1_500 {
            let filter = grammar.sentence(of: "booleanExpression", depth: 10 + round % 25, &random)
            var parser = FilterTextParser(filter)
            do { _ = try parser.parse() } catch {
                switch error.message.en {
                case let message? where message.contains("32 levels"): tooDeep += 1
                case let message? where message.contains("100 arithmetic operations"): tooLong += 1
                default: Issue.record("\(filter): \(error)")
                }
            }
            seen += filter
        }
        #expect(tooDeep < 30 && tooLong < 200, "\(tooDeep) \(tooLong)")
        for word in ["NOT", "LIKE", "BETWEEN", "IS", "CASEI", "div", "^", "%", "E-", "''", "'..'", "TIMESTAMP", "\"f"] + TemporalRelation.allCases.map({ $0.name.uppercased() + " (" }) {
            #expect(seen.contains(word), "\(word)")
        }
    }

    @Test(arguments: ["spatialPredicate", "arrayPredicate"]) func sentencesOfOtherClassesAreRefused(rule: String) throws {
        guard let text = Self.text("cql2.bnf") else { return }
        let grammar = Self.grammar(text, without: ["function"])
        var random = Generator(state: 4)
        for _ in 0..<100 {
            let filter = grammar.sentence(of: rule, depth: 12, &random)
            #expect(FilterFields.fault(filter)?.message.en?.hasPrefix("no function") == true, "\(filter)")
        }
    }

    @Test func theSchemaHasTheSameOperations() throws {
        guard let text = Self.text("cql2.json") else { return }
        let schema = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let definitions = try #require(schema["$defs"] as? [String: [String: Any]])
        func operations(_ name: String) -> Set<String> {
            let properties = definitions[name]?["properties"] as? [String: [String: Any]]
            return Set(properties?["op"]?["enum"] as? [String] ?? [])
        }
        #expect(operations("temporalPredicate") == Set(TemporalRelation.allCases.map(\.name)))
        #expect(operations("arithmeticExpression") == Set(Predicate.Term.Operation.allCases.map(\.rawValue)))
        for name in operations("andOrExpression").union(operations("notExpression")).union(operations("binaryComparisonPredicate")) + ["like", "between", "in", "isNull", "casei"] {
            let fault = FilterFields.fault(#"{"op":"\#(name)","args":[]}"#, .json)
            #expect(fault?.message.en?.contains("an array of") == true, "\(name): \(String(describing: fault))")
        }
        for name in operations("spatialPredicate").union(operations("arrayPredicate")) {
            #expect(FilterFields.fault(#"{"op":"\#(name)","args":[]}"#, .json)?.message.en?.contains("no operation") == true)
        }
    }
}
