using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;

namespace Nethereum.ABI;

/// <summary>uintN and intN.</summary>
internal sealed class IntType : ABIType
{
    private readonly int bits;
    private readonly bool signed;
    private readonly BigInteger min;
    private readonly BigInteger max;

    public IntType(int bits, bool signed) : base((signed ? "int" : "uint") + bits.ToString(CultureInfo.InvariantCulture))
    {
        this.bits = bits;
        this.signed = signed;
        min = signed ? -BigInteger.Pow(2, bits - 1) : BigInteger.Zero;
        max = BigInteger.Pow(2, signed ? bits - 1 : bits) - 1;
    }

    internal override void Write(AbiWriter writer, int position, object value) => WriteTo(writer.At(position, WordSize), value);

    internal override void WritePacked(AbiWriter writer, object value)
    {
        Span<byte> word = stackalloc byte[WordSize];
        WriteTo(word, value);
        word[(WordSize - (bits / 8))..].CopyTo(writer.At(writer.Reserve(bits / 8), bits / 8));
    }

    internal override object Read(AbiReader reader, int position, Type type)
    {
        var word = reader.Word(position);
        // The high bytes of a narrow type are zero or a sign; 8 bytes are the whole value then.
        if (type == typeof(ulong) && !word[..24].ContainsAnyExcept((byte)0))
        {
            return BinaryPrimitives.ReadUInt64BigEndian(word[24..]);
        }

        var value = new BigInteger(word, isUnsigned: !signed, isBigEndian: true);
        return Type.GetTypeCode(type) switch
        {
            TypeCode.Byte => (object)(byte)value,
            TypeCode.SByte => (sbyte)value,
            TypeCode.UInt16 => (ushort)value,
            TypeCode.Int16 => (short)value,
            TypeCode.UInt32 => (uint)value,
            TypeCode.Int32 => (int)value,
            TypeCode.UInt64 => (ulong)value,
            TypeCode.Int64 => (long)value,
            _ when type == typeof(BigInteger) || type == typeof(object) => value,
            _ => throw new NotSupportedException($"{Name}: found the C# type {type.Name}, expected an integer or BigInteger."),
        };
    }

    private void WriteTo(Span<byte> word, object value)
    {
        if (value is ulong or uint or ushort or byte && bits >= 64)
        {
            BinaryPrimitives.WriteUInt64BigEndian(word[24..], System.Convert.ToUInt64(value, CultureInfo.InvariantCulture));
            return;
        }

        var number = ToBigInteger(value);
        if (number < min || number > max)
        {
            throw new ArgumentOutOfRangeException(nameof(value), $"{Name}: found {number}, expected {min} to {max}.");
        }

        if (number.Sign < 0)
        {
            word.Fill(0xff);
        }

        var size = number.GetByteCount(isUnsigned: !signed);
        number.TryWriteBytes(word[(WordSize - size)..], out _, isUnsigned: !signed, isBigEndian: true);
    }

    private BigInteger ToBigInteger(object value) => value switch
    {
        BigInteger number => number,
        ulong number => number,
        long number => number,
        uint number => number,
        int number => number,
        ushort number => number,
        short number => number,
        byte number => number,
        sbyte number => number,
        _ => throw Mismatch(value, "an integer"),
    };
}

/// <summary>address: 0x and 40 hexadecimal digits in, the EIP-55 form out.</summary>
internal sealed class AddressType() : ABIType("address")
{
    private const int Size = 20;

    internal override void Write(AbiWriter writer, int position, object value) => WriteTo(writer.At(position + WordSize - Size, Size), value);

    internal override void WritePacked(AbiWriter writer, object value) => WriteTo(writer.At(writer.Reserve(Size), Size), value);

    internal override object Read(AbiReader reader, int position, Type type) =>
        AddressUtil.Current.ConvertToChecksumAddress(reader.Word(position)[^Size..].ToArray());

    private void WriteTo(Span<byte> target, object value)
    {
        if (value is not string text || text.RemoveHexPrefix() is not { Length: 2 * Size } digits || !digits.IsHex())
        {
            throw Mismatch(value, "0x and 40 hexadecimal digits");
        }

        System.Convert.FromHexString(digits, target, out _, out _);
    }
}

internal sealed class BoolType() : ABIType("bool")
{
    internal override void Write(AbiWriter writer, int position, object value) => writer.At(position, WordSize)[^1] = ToByte(value);

    internal override void WritePacked(AbiWriter writer, object value) => writer.At(writer.Reserve(1), 1)[0] = ToByte(value);

    internal override object Read(AbiReader reader, int position, Type type) => reader.Word(position).ContainsAnyExcept((byte)0);

    private byte ToByte(object value) => value is bool truth ? (byte)(truth ? 1 : 0) : throw Mismatch(value, "a bool");
}

/// <summary>bytes1 to bytes32; shorter values are padded on the right.</summary>
internal sealed class BytesElementaryType(int size) : ABIType("bytes" + size.ToString(CultureInfo.InvariantCulture))
{
    private readonly int size = size;

    internal override void Write(AbiWriter writer, int position, object value) => ToBytes(value).CopyTo(writer.At(position, WordSize));

    internal override void WritePacked(AbiWriter writer, object value) => ToBytes(value).CopyTo(writer.At(writer.Reserve(size), size));

    internal override object Read(AbiReader reader, int position, Type type) => reader.Word(position)[..size].ToArray();

    private byte[] ToBytes(object value) => value is byte[] bytes && bytes.Length <= size ? bytes : throw Mismatch(value, $"at most {size} bytes");
}

/// <summary>What bytes and string share: a length, then the bytes, padded to whole words.</summary>
internal abstract class ByteSequenceType(string name) : ABIType(name)
{
    internal override bool IsDynamic => true;

    internal override void Write(AbiWriter writer, int position, object value)
    {
        var bytes = ToBytes(value);
        var start = writer.Reserve(WordSize + ((bytes.Length + WordSize - 1) / WordSize * WordSize));
        writer.WriteWord(start, bytes.Length);
        bytes.CopyTo(writer.At(start + WordSize, bytes.Length));
    }

    internal override void WritePacked(AbiWriter writer, object value)
    {
        var bytes = ToBytes(value);
        bytes.CopyTo(writer.At(writer.Reserve(bytes.Length), bytes.Length));
    }

    internal override object Read(AbiReader reader, int position, Type type) =>
        FromBytes(reader.At(position + WordSize, reader.Size(position)));

    protected abstract byte[] ToBytes(object value);

    protected abstract object FromBytes(ReadOnlySpan<byte> bytes);
}

internal sealed class BytesType() : ByteSequenceType("bytes")
{
    protected override byte[] ToBytes(object value) => value as byte[] ?? throw Mismatch(value, "a byte array");

    protected override object FromBytes(ReadOnlySpan<byte> bytes) => bytes.ToArray();
}

internal sealed class StringType() : ByteSequenceType("string")
{
    protected override byte[] ToBytes(object value) => value is string text ? Encoding.UTF8.GetBytes(text) : throw Mismatch(value, "a string");

    protected override object FromBytes(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
}
