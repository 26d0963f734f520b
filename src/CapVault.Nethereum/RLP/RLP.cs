namespace Nethereum.RLP;

/// <summary>A decoded RLP item: bytes, or a list if it is an <see cref="RLPCollection"/>.</summary>
public interface IRLPElement
{
    /// <summary>The item's bytes; of a list, its payload; null when empty.</summary>
    byte[] RLPData { get; }
}

/// <summary>A decoded RLP byte string.</summary>
public class RLPItem : IRLPElement
{
    public RLPItem(byte[] rlpData) => RLPData = rlpData.Length == 0 ? null : rlpData;

    public byte[] RLPData { get; }
}

/// <summary>A decoded RLP list.</summary>
public class RLPCollection : List<IRLPElement>, IRLPElement
{
    public byte[] RLPData { get; set; }
}

/// <summary>Recursive length prefix encoding (Ethereum yellow paper, appendix B).</summary>
public class RLP
{
    private const int ShortestLength = 56;
    private const byte StringOffset = 0x80;
    private const byte ListOffset = 0xc0;

    public static byte[] EncodeByte(byte singleByte) => EncodeElement([singleByte]);

    /// <summary>Encodes a byte string; null is the empty string.</summary>
    public static byte[] EncodeElement(byte[] srcData)
    {
        srcData ??= [];
        return srcData is [< StringOffset] ? [srcData[0]] : [.. Prefix(StringOffset, srcData.Length), .. srcData];
    }

    /// <summary>Encodes a list of items that are encoded already.</summary>
    public static byte[] EncodeList(params byte[][] items)
    {
        var payload = items.Sum(item => item.Length);
        var result = new List<byte>(payload + 9);
        result.AddRange(Prefix(ListOffset, payload));
        foreach (var item in items)
        {
            result.AddRange(item);
        }

        return [.. result];
    }

    /// <summary>Decodes exactly one item.</summary>
    /// <exception cref="FormatException">The bytes are not the canonical encoding of one item.</exception>
    public static IRLPElement Decode(byte[] msgData)
    {
        var position = 0;
        var element = Read(msgData, ref position);
        return position == msgData.Length ? element : throw new FormatException($"RLP: found {msgData.Length - position} bytes after the item, expected none.");
    }

    private static byte[] Prefix(byte offset, int length)
    {
        if (length < ShortestLength)
        {
            return [(byte)(offset + length)];
        }

        byte[] size = [(byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length];
        var digits = size.AsSpan().TrimStart((byte)0);
        return [(byte)(offset + ShortestLength - 1 + digits.Length), .. digits];
    }

    private static IRLPElement Read(ReadOnlySpan<byte> data, ref int position)
    {
        var payload = ReadPayload(data, ref position, out var isList);
        if (!isList)
        {
            return new RLPItem(payload.ToArray());
        }

        var list = new RLPCollection { RLPData = payload.ToArray() };
        var inner = 0;
        while (inner < payload.Length)
        {
            list.Add(Read(payload, ref inner));
        }

        return list;
    }

    private static ReadOnlySpan<byte> ReadPayload(ReadOnlySpan<byte> data, ref int position, out bool isList)
    {
        if (position >= data.Length)
        {
            throw new FormatException($"RLP: found the end of the data at {position}, expected an item.");
        }

        var first = data[position];
        isList = first >= ListOffset;
        if (first < StringOffset)
        {
            return data.Slice(position++, 1);
        }

        var length = first - (isList ? ListOffset : StringOffset);
        position++;
        if (length >= ShortestLength)
        {
            var digits = Take(data, ref position, length - ShortestLength + 1);
            if (digits.Length > sizeof(int))
            {
                throw new FormatException($"RLP: found a length of {digits.Length} bytes, expected at most {sizeof(int)}.");
            }

            var size = 0L;
            foreach (var digit in digits)
            {
                size = (size * 256) + digit;
            }

            if (digits[0] == 0 || size < ShortestLength || size > int.MaxValue)
            {
                throw new FormatException($"RLP: found a length of {size} behind a long prefix, expected the shortest form of at most {int.MaxValue}.");
            }

            length = (int)size;
        }

        var payload = Take(data, ref position, length);
        return isList || payload is not [< StringOffset]
            ? payload
            : throw new FormatException($"RLP: found byte {payload[0]} behind a prefix, expected the byte alone.");
    }

    private static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> data, ref int position, int length)
    {
        if (length > data.Length - position)
        {
            throw new FormatException($"RLP: found {data.Length - position} bytes at {position}, expected {length}.");
        }

        position += length;
        return data.Slice(position - length, length);
    }
}
