using System.Numerics;
using Nethereum.ABI.EIP712;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;

namespace CapVault.Contracts;

/// <summary>What the hashes of orders, consents and operations share (EIP-712).</summary>
internal static class Eip712
{
    public static byte[] DomainSeparator(string name, string version, BigInteger chainId, string contract) =>
        Eip712TypedDataEncoder.Current.HashDomainSeparator(Data(name, version, chainId, contract));

    public static TypedData<Domain> Data(string name, string version, BigInteger chainId, string contract, params Type[] types) => new()
    {
        Domain = new Domain { Name = name, Version = version, ChainId = chainId, VerifyingContract = contract },
        Types = MemberDescriptionFactory.GetTypesMemberDescription([typeof(Domain), .. types]),
    };

    public static byte[] TypeHash(string encodedType) => Sha3Keccack.Current.CalculateHashAsBytes(encodedType);

    /// <param name="encodedData">EIP-712's encodeData: one word per member.</param>
    public static byte[] StructHash(byte[] typeHash, byte[] encodedData) => Sha3Keccack.Current.CalculateHash([.. typeHash, .. encodedData]);

    /// <summary>The 32 bytes that are signed.</summary>
    public static byte[] Digest(byte[] domainSeparator, byte[] structHash) =>
        Sha3Keccack.Current.CalculateHash([0x19, 0x01, .. domainSeparator, .. structHash]);

    /// <summary>R ‖ S ‖ V of a digest: 65 bytes, V 27 or 28.</summary>
    public static byte[] Sign(EthECKey key, byte[] digest) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(digest)).HexToByteArray();
}
