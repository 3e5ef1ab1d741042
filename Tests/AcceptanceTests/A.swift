import Testing
import TestSupport
@Test func a() {}
