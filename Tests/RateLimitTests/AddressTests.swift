import Testing

@testable import RateLimit

@Suite struct AddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("::1", "0:0:0:0:0:0:0:1"), ("::", "0:0:0:0:0:0:0:0"), ("2001:DB8::", "2001:db8:0:0:0:0:0:0"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1::8", "1:0:0:0:0:0:0:8"), ("::ffff:192.0.2.1", "192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b:0:0:0:0:c000:221"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ])
    func addressIsRead(text: String, canonical: String) throws {
        #expect(try #require(IPAddress(text)).description == canonical)
    }

    @Test(arguments: [
        "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4:80", " 1.2.3.4", ":", ":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
        "12345::", "g::", "fe80::1%eth0", "[::1]", "1:2:3:4:5:6:7:8::", "+1::", "1.2.3.4::",
    ])
    func whatIsNoAddressIsRefused(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func networkHoldsItsAddresses() throws {
        let network = try #require(IPNetwork("10.0.0.0/9"))
        #expect(network.contains(.v4(0x0a7f_ffff)))
        #expect(!network.contains(.v4(0x0a80_0000)))
        let six = try #require(IPNetwork("2001:db8:8000::/33"))
        #expect(six.contains(try #require(IPAddress("2001:db8:ffff::1"))))
        #expect(!six.contains(try #require(IPAddress("2001:db8:7fff::1"))))
        #expect(try #require(IPNetwork("::1")).contains(try #require(IPAddress("::1"))))
        #expect(try #require(IPNetwork("0.0.0.0/0")).contains(.v4(7)))
        #expect(IPNetwork("10.0.0.0/33") == nil)
        #expect(IPNetwork("10.0.0.0/") == nil)
    }

    @Test func onlyATrustedHopIsBelieved() throws {
        let hops = TrustedHops(networks: [try #require(IPNetwork("10.0.0.0/8"))])
        let proxy = try #require(IPAddress("10.0.0.1")), stranger = try #require(IPAddress("198.51.100.7"))
        #expect(hops.client(peer: stranger, values: ["192.0.2.1"]) == stranger)
        #expect(hops.client(peer: proxy, values: ["192.0.2.1"]) == IPAddress("192.0.2.1"))
        // The left of the list is whatever the client wrote.
        #expect(hops.client(peer: proxy, values: ["203.0.113.9, 192.0.2.1, 10.0.0.2"]) == IPAddress("192.0.2.1"))
        #expect(hops.client(peer: proxy, values: ["203.0.113.9", "192.0.2.1:4711"]) == IPAddress("192.0.2.1"))
        #expect(hops.client(peer: proxy, values: ["192.0.2.1, unknown"]) == proxy)
        #expect(hops.client(peer: proxy, values: []) == proxy)
        #expect(TrustedHops().client(peer: proxy, values: ["192.0.2.1"]) == proxy)
    }

    @Test func forwardedIsReadWhenItIsTheProxysField() throws {
        let hops = TrustedHops(networks: [try #require(IPNetwork("10.0.0.0/8"))], field: .forwarded)
        let proxy = try #require(IPAddress("10.0.0.1"))
        #expect(hops.client(peer: proxy, values: ["proto=https; For=\"[2001:db8::17]:4711\";by=10.0.0.1"]) == IPAddress("2001:db8::17"))
        #expect(hops.client(peer: proxy, values: ["for=192.0.2.60, for=10.1.1.1"]) == IPAddress("192.0.2.60"))
        #expect(hops.client(peer: proxy, values: ["for=192.0.2.60, for=_hidden"]) == proxy)
    }
}
