using Nethereum.Util;

namespace Nethereum.Model;

/// <summary>A transaction that can carry its sender's signature.</summary>
public abstract class SignedTransaction
{
    /// <summary>What the sender signs.</summary>
    public byte[] RawHash => Sha3Keccack.Current.CalculateHash(GetRLPEncodedRaw());

    /// <summary>The transaction hash; needs the signature.</summary>
    public byte[] Hash => Sha3Keccack.Current.CalculateHash(GetRLPEncoded());

    public ISignature Signature { get; set; }

    /// <summary>The bytes to send, signature included.</summary>
    public abstract byte[] GetRLPEncoded();

    /// <summary>The bytes without signature.</summary>
    public abstract byte[] GetRLPEncodedRaw();

    public abstract void SetSignature(ISignature signature);
}

/// <summary>A transaction with an EIP-2718 type.</summary>
public abstract class SignedTypeTransaction : SignedTransaction
{
    public override void SetSignature(ISignature signature) => Signature = signature;
}
