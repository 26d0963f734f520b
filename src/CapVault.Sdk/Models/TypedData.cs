using System.Globalization;
using System.Numerics;
using System.Text.Json.Serialization;
using Nethereum.ABI.EIP712;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Sdk;

/// <summary>EIP-712 typed data as <c>eth_signTypedData_v4</c> takes it: any wallet can show and sign it.</summary>
public sealed record TypedData
{
    /// <summary>The members of each struct, by its name; <c>EIP712Domain</c> among them.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<TypedDataMember>> Types { get; init; }

    /// <summary>The struct that is signed.</summary>
    public required string PrimaryType { get; init; }

    /// <summary>What the signature is for.</summary>
    public required TypedDataDomain Domain { get; init; }

    /// <summary>Values by member: numbers as decimal strings, bytes and addresses 0x-prefixed.</summary>
    public required IReadOnlyDictionary<string, string> Message { get; init; }

    /// <summary>Not on the wire: the 32 bytes that are signed, computed here from the rest. Empty in typed data that a relayer sent, which nobody has checked.</summary>
    [JsonIgnore]
    public byte[] Digest { get; private init; } = [];

    /// <summary>Typed data of one flat struct.</summary>
    public static TypedData From(TypedData<Domain> source) => new()
    {
        Types = source.Types.ToDictionary(
            type => type.Key,
            type => (IReadOnlyList<TypedDataMember>)[.. type.Value.Select(member => new TypedDataMember(member.Name, member.Type))],
            StringComparer.Ordinal),
        PrimaryType = source.PrimaryType,
        Domain = new TypedDataDomain(source.Domain.Name, source.Domain.Version, (long)source.Domain.ChainId!.Value, source.Domain.VerifyingContract),
        Message = source.Types[source.PrimaryType].Zip(source.Message).ToDictionary(
            pair => pair.First.Name, pair => Text(pair.Second.Value), StringComparer.Ordinal),
        Digest = Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(source),
    };

    private static string Text(object value) => value switch
    {
        byte[] bytes => bytes.ToHex(prefix: true),
        BigInteger number => number.ToString(CultureInfo.InvariantCulture),
        string text => text,
        _ => throw new ArgumentException($"Found a {value.GetType().Name}, expected bytes, a number or a text.", nameof(value)),
    };
}

/// <summary>A member of a struct of EIP-712.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in Solidity.</param>
public sealed record TypedDataMember(string Name, string Type);

/// <summary>The domain of EIP-712.</summary>
/// <param name="Name">Of what is signed for.</param>
/// <param name="Version">Of it.</param>
/// <param name="ChainId">EIP-155.</param>
/// <param name="VerifyingContract">The contract that takes the signature.</param>
public sealed record TypedDataDomain(string Name, string Version, long ChainId, string VerifyingContract);
