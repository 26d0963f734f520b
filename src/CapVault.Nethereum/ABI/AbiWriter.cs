namespace Nethereum.ABI;

/// <summary>
/// A growing buffer for head/tail encoding: a head is reserved first and filled in later, tails are appended behind it.
/// </summary>
internal sealed class AbiWriter
{
    private byte[] buffer = new byte[1024];

    public int Length { get; private set; }

    /// <summary>Appends zeros and returns where they begin.</summary>
    public int Reserve(int count)
    {
        var position = Length;
        Length += count;
        if (Length > buffer.Length)
        {
            Array.Resize(ref buffer, Math.Max(Length, buffer.Length * 2));
        }

        return position;
    }

    public Span<byte> At(int position, int count) => buffer.AsSpan(position, count);

    /// <summary>Writes a non-negative number as a 32-byte word.</summary>
    public void WriteWord(int position, int value) => System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(At(position + 28, 4), value);

    public byte[] ToArray() => buffer.AsSpan(0, Length).ToArray();
}
