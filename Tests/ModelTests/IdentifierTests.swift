import Model
import Testing

/// The vectors of GB 32100-2015, GB 11714 and GB 11643-1999.
@Suite struct IdentifierTests {
    @Test(arguments: ["9137130016829134XT", "91350100M000100Y43"])
    func realCreditCodesPass(_ code: String) {
        #expect(Identifiers.isCreditCode(code))
        #expect(Identifiers.creditCode(body: String(code.dropLast())) == code)
    }

    @Test(arguments: ["9137130016829134X", "9137130016829134XA", "91350100M000100Y34", "91350100I000100Y43", "", "913501 00M00100Y43", "91350100m000100y43"])
    func wrongCreditCodesFail(_ code: String) {
        #expect(!Identifiers.isCreditCode(code))
    }

    /// Every single wrong character and every swap of neighbours is caught: the weights differ modulo the prime 31.
    @Test func everySingleSlipInACreditCodeIsCaught() {
        let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY")
        let code = Array("91350100M000100Y43")
        for place in code.indices {
            for other in alphabet where other != code[place] {
                var wrong = code
                wrong[place] = other
                #expect(!Identifiers.isCreditCode(String(wrong)))
            }
            if place + 1 < code.count, code[place] != code[place + 1] {
                var swapped = code
                swapped.swapAt(place, place + 1)
                #expect(!Identifiers.isCreditCode(String(swapped)))
            }
        }
    }

    @Test func theOrganisationCodeInsideACreditCodePasses() {
        #expect(Identifiers.isOrganisationCode("16829134X"))
        #expect(!Identifiers.isOrganisationCode("168291341"))
        #expect(!Identifiers.isOrganisationCode("16829134"))
        #expect(!Identifiers.isOrganisationCode("1682 134X"))
    }

    @Test func citizensNumbersNeedARealDayAndTheirCheckCharacter() {
        #expect(Identifiers.isCitizenNumber("11010519491231002X"))
        #expect(Identifiers.isCitizenNumber("11010519491231002x"))
        #expect(!Identifiers.isCitizenNumber("110105194912310021"))
        #expect(!Identifiers.isCitizenNumber("11010519491331002X"))
        #expect(!Identifiers.isCitizenNumber("1101051949123100"))
    }

    @Test func namesOfFieldsAndDatasetsAreNarrow() {
        #expect(Identifiers.isFieldName("pm25"))
        #expect(Identifiers.isFieldName(String(repeating: "a", count: 63)))
        for bad in ["", "_since", "Pm", "2x", "a-b", "a b", "字", String(repeating: "a", count: 64)] { #expect(!Identifiers.isFieldName(bad)) }
        #expect(Identifiers.isDatasetIdentifier("air-2026"))
        for bad in ["", "a", "-a", "A1", "a_b", String(repeating: "a", count: 101)] { #expect(!Identifiers.isDatasetIdentifier(bad)) }
    }
}
