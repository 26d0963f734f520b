using Nethereum.Model;
using BouncyInteger = Org.BouncyCastle.Math.BigInteger;

namespace Nethereum.Signer;

/// <summary>A secp256k1 signature.</summary>
public class EthECDSASignature : ISignature
{
    internal EthECDSASignature(BouncyInteger r, BouncyInteger s, byte[] v)
    {
        RNumber = r;
        SNumber = s;
        V = v;
    }

    public byte[] R => RNumber.ToByteArrayUnsigned();

    public byte[] S => SNumber.ToByteArrayUnsigned();

    public byte[] V { get; set; }

    /// <summary>Whether S is in the lower half (EIP-2), so that nobody can make a second signature of this one.</summary>
    public bool IsLowS => SNumber.CompareTo(Secp256k1.HalfOrder) <= 0;

    internal BouncyInteger RNumber { get; }

    internal BouncyInteger SNumber { get; }

    /// <summary>R ‖ S ‖ V as hexadecimal with 0x.</summary>
    public static string CreateStringSignature(EthECDSASignature signature) => ((ISignature)signature).CreateStringSignature();
}
