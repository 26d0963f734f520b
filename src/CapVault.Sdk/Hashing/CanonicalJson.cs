using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace CapVault.Sdk;

/// <summary>JSON Canonicalization Scheme (RFC 8785): one byte string per JSON value, whoever writes it, so that it can be hashed.</summary>
public static class CanonicalJson
{
    /// <summary>Canonical UTF-8 bytes of a value.</summary>
    /// <param name="value">Any JSON value.</param>
    /// <returns>UTF-8 without byte order mark and without white space.</returns>
    /// <exception cref="JsonException">The value has no canonical form: a number beyond IEEE 754 double, a string that is not
    /// valid Unicode, or a property that stands twice in one object. <see cref="JsonException.Path"/> says where.</exception>
    public static byte[] Serialize(JsonElement value)
    {
        var output = new ArrayBufferWriter<byte>();
        WriteValue(output, value, "$");
        return output.WrittenSpan.ToArray();
    }

    private static void WriteValue(ArrayBufferWriter<byte> output, JsonElement value, string path)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(output, value, path);
                break;
            case JsonValueKind.Array:
                WriteArray(output, value, path);
                break;
            case JsonValueKind.String:
                WriteString(output, ReadString(value, path));
                break;
            case JsonValueKind.Number:
                output.Write(Encoding.ASCII.GetBytes(FormatNumber(ReadNumber(value, path))));
                break;
            case JsonValueKind.True:
                output.Write("true"u8);
                break;
            case JsonValueKind.False:
                output.Write("false"u8);
                break;
            case JsonValueKind.Null:
                output.Write("null"u8);
                break;
            default:
                throw new ArgumentException($"Found a JsonElement without a value at {path}, expected one that was parsed.", nameof(value));
        }
    }

    private static void WriteObject(ArrayBufferWriter<byte> output, JsonElement value, string path)
    {
        // Ordinal comparison of .NET strings is the order of UTF-16 code units that RFC 8785, 3.2.3 asks for.
        var members = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var property in value.EnumerateObject())
        {
            var name = ReadName(property, path);
            if (!members.TryAdd(name, property.Value))
            {
                throw NotCanonical(path, $"found property \"{name}\" twice, expected each name once");
            }
        }

        output.Write("{"u8);
        var first = true;
        foreach (var (name, member) in members)
        {
            if (!first)
            {
                output.Write(","u8);
            }

            first = false;
            WriteString(output, name);
            output.Write(":"u8);
            WriteValue(output, member, $"{path}.{name}");
        }

        output.Write("}"u8);
    }

    private static void WriteArray(ArrayBufferWriter<byte> output, JsonElement value, string path)
    {
        output.Write("["u8);
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            if (index > 0)
            {
                output.Write(","u8);
            }

            WriteValue(output, item, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"));
            index++;
        }

        output.Write("]"u8);
    }

    private static string ReadName(JsonProperty property, string path)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw NotCanonical(path, "found a property name with a lone surrogate or broken UTF-8, expected valid Unicode");
        }
    }

    private static string ReadString(JsonElement value, string path)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw NotCanonical(path, "found a string with a lone surrogate or broken UTF-8, expected valid Unicode");
        }
    }

    private static double ReadNumber(JsonElement value, string path)
    {
        var text = value.GetRawText();
        var number = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(number)
            ? number
            : throw NotCanonical(path, $"found number {text}, expected one within IEEE 754 double; send it as a string");
    }

    private static JsonException NotCanonical(string path, string what) =>
        new($"No canonical form (RFC 8785) at {path}: {what}.", path, null, null);

    private static void WriteString(ArrayBufferWriter<byte> output, string value)
    {
        var text = new StringBuilder(value.Length + 2).Append('"');
        foreach (var character in value)
        {
            _ = character switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\t' => text.Append("\\t"),
                '\n' => text.Append("\\n"),
                '\f' => text.Append("\\f"),
                '\r' => text.Append("\\r"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}"),
                _ => text.Append(character),
            };
        }

        output.Write(Encoding.UTF8.GetBytes(text.Append('"').ToString()));
    }

    // ECMAScript Number::toString, which RFC 8785, 3.2.2.3 refers to: the shortest digits that round-trip (.NET's "R" finds
    // the same ones), plain notation from 1e-6 up to below 1e21, exponents without leading zeros.
    private static string FormatNumber(double value)
    {
        if (value == 0)
        {
            return "0"; // also for -0
        }

        var (digits, point) = ShortestDigits(Math.Abs(value));
        var sign = value < 0 ? "-" : "";
        if (point is > 0 and <= 21)
        {
            return digits.Length <= point
                ? sign + digits.PadRight(point, '0')
                : $"{sign}{digits[..point]}.{digits[point..]}";
        }

        if (point is > -6 and <= 0)
        {
            return sign + "0." + new string('0', -point) + digits;
        }

        var exponent = (point - 1).ToString("+0;-0", CultureInfo.InvariantCulture);
        return digits.Length == 1 ? $"{sign}{digits}e{exponent}" : $"{sign}{digits[0]}.{digits[1..]}e{exponent}";
    }

    // value = 0.digits × 10^point, digits without zeros at either end.
    private static (string Digits, int Point) ShortestDigits(double value)
    {
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var mantissa = text;
        var exponent = 0;
        var e = text.IndexOf('E', StringComparison.Ordinal);
        if (e >= 0)
        {
            mantissa = text[..e];
            exponent = int.Parse(text[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        }

        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = dot < 0 ? mantissa.Length : dot;
        var all = dot < 0 ? mantissa : mantissa.Remove(dot, 1);
        var digits = all.TrimStart('0');
        return (digits.TrimEnd('0'), whole + exponent - (all.Length - digits.Length));
    }
}
