using System.Numerics;

namespace Nethereum.ABI;

/// <summary>Bounds-checked access to ABI-encoded bytes.</summary>
internal readonly struct AbiReader(byte[] data, int start)
{
    public const int WordSize = 32;

    private readonly int start = start;

    public int Length => data.Length;

    /// <summary>`count` bytes at an absolute position.</summary>
    /// <exception cref="FormatException">The data ends before.</exception>
    public ReadOnlySpan<byte> At(int position, int count) => position >= 0 && count >= 0 && count <= data.Length - position
        ? data.AsSpan(position, count)
        : throw new FormatException($"ABI: found {data.Length - start} bytes, expected at least {(long)position - start + count}.");

    public ReadOnlySpan<byte> Word(int position) => At(position, WordSize);

    /// <summary>A length or offset: a word whose value cannot exceed the data itself.</summary>
    public int Size(int position)
    {
        var value = new BigInteger(Word(position), isUnsigned: true, isBigEndian: true);
        return value <= data.Length ? (int)value : throw new FormatException($"ABI: found a length or offset of {value} at byte {position - start}, expected at most {data.Length}.");
    }
}
