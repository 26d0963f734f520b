using System.Numerics;
using Nethereum.ABI.FunctionEncoding.Attributes;

namespace Nethereum.ABI.EIP712;

/// <summary>A struct to be used as EIP-712 domain.</summary>
public interface IDomain;

/// <summary>The usual EIP-712 domain, with all of name, version, chain id and contract.</summary>
[Struct("EIP712Domain")]
public class Domain : IDomain
{
    [Parameter("string", "name", 1)]
    public virtual string Name { get; set; }

    [Parameter("string", "version", 2)]
    public virtual string Version { get; set; }

    [Parameter("uint256", "chainId", 3)]
    public virtual BigInteger? ChainId { get; set; }

    [Parameter("address", "verifyingContract", 4)]
    public virtual string VerifyingContract { get; set; }
}

/// <summary>A member of an EIP-712 type: its name and type.</summary>
public class MemberDescription
{
    public string Name { get; set; }

    public string Type { get; set; }
}

/// <summary>A member's value: of a struct MemberValue[], of an array of structs a list of those, otherwise the C# value.</summary>
public class MemberValue
{
    public string TypeName { get; set; }

    public object Value { get; set; }
}

/// <summary>Types, domain and message of EIP-712, the domain as plain values.</summary>
public class TypedDataRaw
{
    public IDictionary<string, MemberDescription[]> Types { get; set; }

    public string PrimaryType { get; set; }

    public MemberValue[] Message { get; set; }

    public MemberValue[] DomainRawValues { get; set; }
}

/// <summary>Types, domain and message of EIP-712.</summary>
public class TypedData<TDomain> : TypedDataRaw
{
    public TDomain Domain { get; set; }

    /// <summary>Takes the message from an object with [Parameter] properties.</summary>
    public void SetMessage<T>(T message) => Message = MemberValueFactory.CreateFromMessage(message);

    public void EnsureDomainRawValuesAreInitialised() => DomainRawValues ??= MemberValueFactory.CreateFromMessage(Domain);
}
