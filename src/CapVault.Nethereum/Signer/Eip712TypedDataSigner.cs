using Nethereum.ABI.EIP712;
using Nethereum.Util;

namespace Nethereum.Signer.EIP712;

/// <summary>Signs EIP-712 typed data.</summary>
public class Eip712TypedDataSigner
{
    public static Eip712TypedDataSigner Current { get; } = new();

    /// <summary>65 bytes as hexadecimal with 0x; the last is 27 or 28.</summary>
    public string SignTypedDataV4<T, TDomain>(T message, TypedData<TDomain> typedData, EthECKey key) =>
        Sign(Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(message, typedData), key);

    /// <summary>65 bytes as hexadecimal with 0x; the last is 27 or 28.</summary>
    public string SignTypedDataV4<TDomain>(TypedData<TDomain> typedData, EthECKey key) =>
        Sign(Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(typedData), key);

    /// <summary>Address of the key that signed.</summary>
    public string RecoverFromSignatureV4<T, TDomain>(T message, TypedData<TDomain> typedData, string signature) =>
        RecoverFromSignatureHashV4(Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(message, typedData), signature);

    /// <summary>Address of the key that signed what <see cref="Eip712TypedDataEncoder"/> encoded.</summary>
    public string RecoverFromSignatureV4(byte[] encodedData, string signature) =>
        RecoverFromSignatureHashV4(Sha3Keccack.Current.CalculateHash(encodedData), signature);

    /// <summary>Address of the key that signed the digest.</summary>
    public string RecoverFromSignatureHashV4(byte[] hash, string signature) => new MessageSigner().EcRecover(hash, signature);

    private static string Sign(byte[] hash, EthECKey key) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(hash));
}
