using System.Globalization;
using System.Text;

namespace CapVault.IntegrationTests;

/// <summary>Makes bad requests of good ones, around the body.</summary>
internal static class BadHttp
{
    private static readonly string[] Segments =
    [
        "", "%20", ".", "..", "%2e%2e", "..%2f..%2fagents", "..%5c..%5c", "%2f", "%00", "a%00b", "%0d%0aX-Evil:%201", "%c0%af", "%ff", "%ed%a0%80", "%25252e", "%", "%zz", "%u0041",
        "%F0%9F%A4%96", "'%20OR%201=1%20--", "%22", "*", "{id}", "null", "0", "-1", "ord_", "neg_", "agt_", "svc_", "obj_", "0x", "0xzz", "ord_%30%30", "~", ";a=b", "@", "a,b", "négo", "\u0080\u00ff",
        "ord_00000000000000000000", "ord_0000000000000000000000", "ORD_000000000000000000000",
        "0x" + new string('0', 64), "0x" + new string('F', 63), "0x" + new string('f', 65), "0X" + new string('0', 64), new string('x', 1000), new string('x', 10_000),
        string.Concat(Enumerable.Repeat("%41", 900)), string.Concat(Enumerable.Repeat("../", 100)),
    ];

    private static readonly string[] Parameters =
    [
        "limit", "cursor", "wait", "role", "status", "after", "types", "audience", "query", "maxPrice", "minRating", "country", "page", "page_size", "pageSize", "key", "ticket", "expires",
        "signature", "view", "unknown", "", "LIMIT", "%00", "a[b]",
    ];

    private static readonly string[] ParameterValues =
    [
        "", "0", "1", "-1", "+1", "1.5", "1e1", "00", "0x1", "101", "1001", "2147483648", "99999999999999999999", "%D9%A3", "%EF%BC%91", "%20", "%201", "1%20", "1,2", "NaN", "null", "true", "soon", "*", "order_*",
        "requester", "provider", "arbiter", "pending", "paid", "lost", "eA", "!!", "====", "MTox", "LTE6eA", "OTIyMzM3MjAzNjg1NDc3NTgwNzp4", "OTIyMzM3MjAzNjg1NDc3NTgwODp4", "MToA", "MTrtoIA", "Og",
        "tail", "oldest", "0:0", "1:0", "1:-1", "1:99999999999999999999", "9:1", ":", "1:1:1", "%00", "%ff", "%ed%a0%80", "%0d%0aX-Evil:%201", "'", "%", "%zz", "croo_sk_", "tkt_", "&&", "=", new string('9', 400),
        new string('x', 4000), new string('x', 9000),
    ];

    private static readonly string[] ContentTypes =
    [
        "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/json; charset=nonsense", "APPLICATION/JSON",
        "application/json;", "application/json, text/plain", "application/vnd.api+json", "application/problem+json", "application/jsonx", "*/*", "json", ";", "é/\u00ff", "application/json; x=" + new string('x', 5000),
    ];

    private static readonly (string Name, string Value)[] Headers =
    [
        ("X-Request-ID", ""), ("X-Request-ID", "\u00e9\u00ff"), ("X-Request-ID", "<script>"), ("X-Request-ID", "a b"), ("X-Request-ID", new string('x', 10_000)), ("X-Request-ID", "one.two"), ("X-Request-ID", "\t"),
        ("X-SDK-Key", ""), ("X-SDK-Key", "croo_sk_"), ("X-SDK-Key", "\u00ff"), ("X-SDK-Key", new string('x', 10_000)), ("X-SDK-Key", "ohk_live__"), ("X-SDK-Key", "croo_sk_%00_"),
        ("Authorization", ""), ("Authorization", "Bearer"), ("Authorization", "Bearer "), ("Authorization", "Bearer  x"), ("Authorization", "Basic OjpA"), ("Authorization", "Digest x"), ("Authorization", "Bearer " + new string('x', 9000)),
        ("Authorization", "Bearer \u00ff"), ("Idempotency-Key", ""), ("Idempotency-Key", "short"), ("Idempotency-Key", "\u00e9" + new string('x', 20)), ("Idempotency-Key", new string('x', 10_000)), ("Idempotency-Key", "a b c d e f g h i j"),
        ("Accept", ""), ("Accept", "text/html"), ("Accept", ";;q=2"), ("Accept-Encoding", "gzip;q=x"), ("Last-Event-ID", "x"), ("Last-Event-ID", "\u00ff"), ("If-None-Match", "*"), ("If-None-Match", "\"x"), ("If-Modified-Since", "never"),
        ("Range", "bytes=0-"), ("Range", "bytes=99999999999999999999-"), ("Range", "lines=1"), ("Content-Encoding", "gzip"), ("Content-Encoding", "br, gzip"), ("Content-Encoding", "identity"),
        ("Expect", "100-continue"), ("Expect", "nonsense"), ("Host", ""), ("Host", "a b"), ("Host", "[::1"), ("Host", "\u00e9"), ("Cookie", new string('x', 8000)), ("X-Forwarded-For", "127.0.0.1"), ("X-HTTP-Method-Override", "DELETE"),
        ("Content-Length", "-1"), ("Content-Length", "+5"), ("Content-Length", "abc"), ("Content-Length", "99999999999999999999"), ("Content-Length", "0"), ("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked, chunked"),
        ("Upgrade", "websocket"), ("Upgrade", "h2c"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "12"), ("Sec-WebSocket-Key", "x"), ("Sec-WebSocket-Protocol", "nonsense"), ("Sec-WebSocket-Protocol", ",,"),
        ("Sec-WebSocket-Extensions", "permessage-deflate; x=" + new string('9', 1000)), ("Origin", "http://evil.example"), ("bad name", "x"), ("X-Nul", "a\0b"), ("X-Long", new string('x', 40_000)), ("", "x"),
    ];

    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW", "get", "G\u00e9T", "", new string('X', 5000)];

    /// <summary>With a bad path, query or method.</summary>
    public static RawRequest Target(RawRequest request, string pattern, Random random)
    {
        var parts = request.Target.Split('?', 2);
        var query = parts.Length == 2 ? parts[1] : "";
        switch (random.Next(10))
        {
            case < 5:
                var segments = parts[0].Split('/');
                var names = pattern.Split('?')[0].Split('/');
                // Where an id belongs, if there is one.
                var places = Enumerable.Range(1, segments.Length - 1).Where(i => i < names.Length && names[i].StartsWith('{')).ToList();
                var at = places.Count > 0 && !random.OnceIn(5) ? random.Of(places) : random.Next(1, segments.Length);
                segments[at] = random.OnceIn(4) ? segments[at] + random.Of(Segments) : random.Of(Segments);
                return request with { Target = string.Join('/', segments) + (query.Length > 0 ? "?" + query : "") };
            case < 8:
                var pairs = Enumerable.Range(0, random.Of(1, 1, 2, 3, 50)).Select(_ => $"{random.Of(Parameters)}{random.Of("=", "=", "=", "")}{random.Of(ParameterValues)}").ToList();
                if (random.OnceIn(4))
                {
                    pairs.Add(pairs[0]);
                }

                return request with { Target = $"{request.Target}{(query.Length > 0 ? "&" : "?")}{string.Join('&', pairs)}" };
            case 8:
                return request with { Method = random.Of(Methods) };
            default:
                return request with
                {
                    Target = random.Of("/", "", "*", "//", "//evil.example/api/v1/orders", "http://localhost/api/v1/orders", "/api/v1", "/api/v1/", "/API/V1/ORDERS", "/api/v2/orders", "/api/v1/../v1/orders", "/%61pi/v1/orders",
                        "/api/v1/orders/", "/api/v1//orders", "/api/v1/orders#x", "/api/v1/orders?" + new string('x', 7000), "/" + new string('a', 20_000), "/\u00e9", "/a b", "/api/v1/orders\0", "/backend/v1", "/ws/", "/.env", "/relayer.db"),
                };
        }
    }

    /// <summary>With bad headers.</summary>
    public static RawRequest Head(RawRequest request, string otherKey, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                return request.With("X-SDK-Key", otherKey);
            case 1:
                return request.With("Authorization", $"{random.Of("Bearer", "bearer", "BEARER")} {otherKey}");
            case 2:
                return request.Set("Content-Type", random.Of(ContentTypes));
            case 3:
                return request.With("Content-Type", random.Of(ContentTypes));
            case 4:
                return request.Without(random.Of("Host", "Content-Type", "X-SDK-Key", "Content-Length", "Connection"));
            case 5 when random.OnceIn(4):
                return request with { Headers = [.. request.Headers, .. Enumerable.Range(0, 150).Select(i => (string.Create(CultureInfo.InvariantCulture, $"X-Many-{i}"), "x"))] };
            default:
                var (name, value) = random.Of(Headers);
                return random.OnceIn(3) ? request.With(name, value) : request.Set(name, value);
        }
    }

    /// <summary>With a body that is framed otherwise, wrongly, or compressed.</summary>
    public static RawRequest Frame(RawRequest request, Random random)
    {
        var body = request.Body;
        var bare = request.Without("Content-Length");
        return random.Next(13) switch
        {
            0 => bare.With("Transfer-Encoding", "chunked") with { Body = Chunked(body, 1) },
            1 => bare.With("Transfer-Encoding", "chunked") with { Body = Chunked(body, 7) },
            2 => bare.With("Transfer-Encoding", "chunked") with { Body = [.. Chunked(body, 100)[..^5]], BreaksOff = true },
            3 => bare.With("Transfer-Encoding", "chunked") with { Body = [.. "zz\r\n"u8, .. body], BreaksOff = true },
            4 => bare.With("Transfer-Encoding", "chunked") with { Body = [.. "ffffffffffffffff\r\n"u8, .. body], BreaksOff = true },
            5 => request.With("Transfer-Encoding", "chunked") with { Body = Chunked(body, 100) },
            6 => request.Set("Content-Length", Number(body.Length + 10)) with { BreaksOff = true },
            7 => request.Set("Content-Length", Number(Math.Max(0, body.Length - 5))),
            8 => request.Set("Content-Length", Number(5L * 1024 * 1024 * 1024)) with { BreaksOff = true },
            9 => request.With("Content-Length", Number(body.Length + 1)) with { BreaksOff = true },
            10 => Compressed(request),
            11 => request.With("Content-Encoding", "gzip"),
            _ => bare,
        };
    }

    private static RawRequest Compressed(RawRequest request)
    {
        var body = BadJson.Gzip(request.Body);
        return request.Set("Content-Length", Number(body.Length)).With("Content-Encoding", "gzip") with { Body = body };
    }

    private static byte[] Chunked(byte[] body, int size)
    {
        var chunked = new List<byte>();
        foreach (var chunk in body.Chunk(size))
        {
            chunked.AddRange(Encoding.ASCII.GetBytes(chunk.Length.ToString("x", CultureInfo.InvariantCulture) + "\r\n"));
            chunked.AddRange(chunk);
            chunked.AddRange("\r\n"u8);
        }

        return [.. chunked, .. "0\r\n\r\n"u8];
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
