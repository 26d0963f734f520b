using Nethereum.Hex.HexConvertors.Extensions;

namespace Nethereum.Model;

/// <summary>An ECDSA signature; R and S big-endian without leading zeros.</summary>
public interface ISignature
{
    byte[] R { get; }

    byte[] S { get; }

    /// <summary>27 or 28, or of a typed transaction 0 or 1.</summary>
    byte[] V { get; set; }
}

/// <summary>A signature as plain values.</summary>
public class Signature : ISignature
{
    public Signature()
    {
    }

    public Signature(byte[] r, byte[] s, byte[] v)
    {
        R = r;
        S = s;
        V = v;
    }

    public byte[] R { get; set; }

    public byte[] S { get; set; }

    public byte[] V { get; set; }
}

/// <summary>Signatures as bytes and text.</summary>
public static class SignatureExtensions
{
    /// <summary>R ‖ S, 32 bytes each.</summary>
    public static byte[] To64ByteArray(this ISignature signature)
    {
        var bytes = new byte[64];
        signature.R.CopyTo(bytes, 32 - signature.R.Length);
        signature.S.CopyTo(bytes, 64 - signature.S.Length);
        return bytes;
    }

    /// <summary>R ‖ S ‖ V as hexadecimal with 0x: 65 bytes for the usual V.</summary>
    public static string CreateStringSignature(this ISignature signature) =>
        signature.To64ByteArray().ToHex(prefix: true) + signature.V.ToHex();
}
