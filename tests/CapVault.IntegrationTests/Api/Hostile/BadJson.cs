using System.IO.Compression;
using System.Text;
using System.Text.Json;

namespace CapVault.IntegrationTests;

/// <summary>Makes bad bodies of good ones.</summary>
internal static class BadJson
{
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-0", "-1", "1.5", "7e0", "1e400", "-1e400", "1e-400", "2147483648", "9007199254740993", "18446744073709551616", "NaN", "-Infinity", "0x10",
        "01", "+1", ".5", "1.", "'single'", "undefined",
        "\"\"", "\" \"", "\"0\"", "\"-1\"", "\"1e9\"", "\"NaN\"", "\"true\"", "\"null\"",
        "\"\\u0000\"", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\uffff\"", "\"\\u202eoops\"", "\"🤖\"", "\"\\u0007\"", "\"\\x41\"", "\"\\", "\"open", "\"tab\there\"", "\"line\nbreak\"",
        "\"' OR 1=1 --\"", "\"'; DROP TABLE agent; --\"", "\"../../etc/passwd\"", "\"%s%n{0}\"", "\"<script>alert(1)</script>\"", "\"${jndi:ldap://localhost}\"",
        "\"0x\"", "\"0xzz\"", "\"ord_\"", "\"svc_000000000000000000000\"",
        "[]", "{}", "[null]", "[[[]]]", "{\"\":{}}", "{\"a\":1,\"a\":2}", "{\"__proto__\":{}}", "{\"$ref\":\"http://localhost/\"}", "{\"$schema\":7,\"type\":[],\"pattern\":\"(a+)+$\"}",
        "[1,]", "{\"a\":1,}", "{,}", "[,]", "/**/1", "1 2",
    ];

    /// <summary>A mutation of <paramref name="example"/>, mostly of its structure, else of its bytes.</summary>
    public static byte[] Of(string example, Random random)
    {
        var text = example;
        for (var changes = 1 + random.Next(2); changes > 0 && TryParse(text) is { } json; changes--)
        {
            text = new Rewriter(random, CountOf(json)).Write(json);
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        return random.OnceIn(4) ? Bytes(bytes, random) : bytes;
    }

    private static byte[] Bytes(byte[] bytes, Random random)
    {
        var at = random.Next(bytes.Length + 1);
        switch (random.Next(14))
        {
            case 0:
                return bytes.Length == 0 ? bytes : bytes[..^1];
            case 1:
                return bytes[..at];
            case 2:
                return [.. bytes[..at], random.Of<byte>(0x00, 0x80, 0xC0, 0xED, 0xF5, 0xFF), .. bytes[at..]];
            case 3:
                return [.. bytes[..at], 0xED, 0xA0, 0x80, .. bytes[at..]];
            case 4:
                return [0xEF, 0xBB, 0xBF, .. bytes];
            case 5:
                return Encoding.Unicode.GetBytes(Encoding.UTF8.GetString(bytes));
            case 6:
                return [0xFE, 0xFF, .. Encoding.BigEndianUnicode.GetBytes(Encoding.UTF8.GetString(bytes))];
            case 7:
                return [.. bytes, .. bytes];
            case 8:
                return [.. bytes, .. "}"u8];
            case 9:
                return [];
            case 10:
                return Gzip(bytes);
            case 11:
                var flipped = (byte[])bytes.Clone();
                if (flipped.Length > 0)
                {
                    flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
                }

                return flipped;
            case 12:
                return [.. bytes, .. new byte[random.Next(3000)]];
            default:
                var noise = new byte[random.Next(300)];
                random.NextBytes(noise);
                return noise;
        }
    }

    /// <summary>The bytes, compressed.</summary>
    public static byte[] Gzip(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return compressed.ToArray();
    }

    private static JsonElement? TryParse(string text)
    {
        try
        {
            // To the end: half a surrogate pair shows only when it is read.
            var json = JsonSerializer.Deserialize<JsonElement>(text);
            return JsonSerializer.Serialize(json).Length > 0 ? json : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            return null;
        }
    }

    private static int CountOf(JsonElement json) => 1 + json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().Sum(member => CountOf(member.Value)),
        JsonValueKind.Array => json.EnumerateArray().Sum(CountOf),
        _ => 0,
    };

    /// <summary>Writes JSON as it is, but for one value of it.</summary>
    private sealed class Rewriter(Random random, int values)
    {
        private int _left = random.Next(values);

        public string Write(JsonElement json)
        {
            var isIt = _left-- == 0;
            return json.ValueKind switch
            {
                JsonValueKind.Object => Object([.. json.EnumerateObject().Select(member => (Quote(member.Name), Write(member.Value)))], isIt),
                JsonValueKind.Array => Array([.. json.EnumerateArray().Select(Write)], isIt),
                _ => isIt ? Value(json.GetRawText()) : json.GetRawText(),
            };
        }

        private string Object(List<(string Name, string Value)> members, bool isIt)
        {
            if (isIt)
            {
                var at = members.Count == 0 ? 0 : random.Next(members.Count);
                switch (random.Next(8))
                {
                    case 0 or 1 when members.Count > 0:
                        members.RemoveAt(at);
                        break;
                    case 2 when members.Count > 0:
                        members.Add((members[at].Name, random.OnceIn(2) ? members[at].Value : random.Of(Values)));
                        break;
                    case 3 when members.Count > 0:
                        members[at] = (members[at].Name.ToUpperInvariant(), members[at].Value);
                        break;
                    case 4:
                        members.Add((random.Of("\"unknown\"", "\"\"", "\"\\u0000\"", "\"$type\"", "\"__proto__\"", "\"\\ud800\"", Quote(new string('x', 3000)), "unquoted"), random.Of(Values)));
                        break;
                    case 5:
                        members.Reverse();
                        break;
                    default:
                        return Value(Join(members));
                }
            }

            return Join(members);
        }

        private string Array(List<string> items, bool isIt)
        {
            if (!isIt)
            {
                return $"[{string.Join(',', items)}]";
            }

            return random.Next(3) switch
            {
                0 => Value($"[{string.Join(',', items)}]"),
                1 => $"[{string.Join(',', Enumerable.Repeat(items.Count > 0 ? items[0] : "1", random.Of(2, 100, 5000)))}]",
                _ => $"[{string.Join(',', items.Append(random.Of(Values)))}]",
            };
        }

        private string Value(string value) => random.Next(12) switch
        {
            0 => Quote(value),
            1 when value.StartsWith('"') => value.Trim('"'),
            2 => $"[{value}]",
            3 => $$"""{"value":{{value}}}""",
            4 => Nested("[", "]", value),
            5 => Nested("{\"a\":", "}", value),
            6 => Quote(new string(random.Of('x', ' ', '9', 'é'), random.Of(1, 65, 300, 5000, 70_000))),
            7 when random.OnceIn(4) => Quote(new string('x', 1_200_000)),
            8 => new string('9', random.Of(20, 400, 10_000)),
            9 when value.StartsWith('"') => $"{value[..^1]}{random.Of("\\u0000", "\\ud800", "é", " ", "x")}\"",
            _ => random.Of(Values),
        };

        private string Nested(string open, string close, string value)
        {
            var depth = random.Of(10, 17, 31, 100, 10_000);
            return new StringBuilder().Insert(0, open, depth).Append(value).Insert(0, "").Append(new StringBuilder().Insert(0, close, depth)).ToString();
        }

        private static string Join(List<(string Name, string Value)> members) => $"{{{string.Join(',', members.Select(member => $"{member.Name}:{member.Value}"))}}}";

        private static string Quote(string text) => JsonSerializer.Serialize(text);
    }
}
