using System.Globalization;
using System.Reflection;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Contracts;

/// <summary>A revert, decoded.</summary>
/// <param name="Name">The error's name in Solidity.</param>
/// <param name="Value">The error as an object of the bindings, for example <see cref="FailedOpError"/>.</param>
/// <param name="Inner">The revert that this one reports: of the account in FailedOpWithRevert, of the paymaster in PostOpReverted.</param>
public sealed record ContractError(string Name, IErrorDTO Value, ContractError? Inner)
{
    /// <summary>Names and values in the order of the declaration.</summary>
    public IReadOnlyList<(string Name, object Value)> Arguments { get; } =
    [
        .. Value.GetType().GetProperties()
            .Select(property => (property, parameter: property.GetCustomAttribute<ParameterAttribute>(inherit: true)))
            .Where(p => p.parameter is not null)
            .OrderBy(p => p.parameter!.Order)
            .Select(p => (p.parameter!.Name, p.property.GetValue(Value)!)),
    ];

    /// <summary>The innermost revert, which is the cause.</summary>
    public ContractError Cause => Inner?.Cause ?? this;

    /// <summary>Name(argument: value, …), with the inner revert behind a colon.</summary>
    public override string ToString()
    {
        var arguments = Arguments.Select(a => $"{a.Name}: {(a.Value is byte[] bytes ? bytes.ToHex(prefix: true) : Convert.ToString(a.Value, CultureInfo.InvariantCulture))}");
        return $"{Name}({string.Join(", ", arguments)}){(Inner is null ? "" : $": {Inner}")}";
    }
}

/// <summary>From revert data to the error of any of our contracts, of the EntryPoint, or of Solidity itself.</summary>
public static class ContractErrors
{
    // Both the generated class and its Base carry the attribute; the generated one is the leaf.
    private static readonly Type[] Known =
    [
        .. typeof(ContractErrors).Assembly.GetTypes()
            .Where(type => typeof(IErrorDTO).IsAssignableFrom(type) && !type.Name.EndsWith("Base", StringComparison.Ordinal))
            .OrderBy(type => type.FullName, StringComparer.Ordinal),
    ];

    /// <summary>The error, or null if the data is empty or of no error that we know.</summary>
    /// <param name="revertData">Hexadecimal with 0x; null is none.</param>
    public static ContractError? Decode(string? revertData)
    {
        if (revertData is null || revertData.Length < "0x12345678".Length)
        {
            return null;
        }

        var revert = new SmartContractCustomErrorRevertException(revertData);
        var type = Array.Find(Known, revert.IsCustomErrorFor);
        if (type is null)
        {
            return null;
        }

        try
        {
            var value = (IErrorDTO)revert.DecodeError(type);
            return new ContractError(ErrorAttribute.GetAttribute(type).Name, value, Decode(InnerData(value)));
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            // Anybody's contract may revert with our selector and rubbish behind it.
            return null;
        }
    }

    /// <inheritdoc cref="Decode(string?)"/>
    public static ContractError? Decode(byte[] revertData) => Decode(revertData.ToHex(prefix: true));

    private static string? InnerData(IErrorDTO error) => error switch
    {
        FailedOpWithRevertError failed => failed.Inner.ToHex(prefix: true),
        PostOpRevertedError failed => failed.ReturnData.ToHex(prefix: true),
        DelegateAndRevertError failed => failed.Ret.ToHex(prefix: true),
        _ => null,
    };
}

/// <summary>What `revert("text")` gives.</summary>
[Error("Error")]
public sealed class RevertMessageError : IErrorDTO
{
    [Parameter("string", "message", 1)]
    public string Message { get; set; } = "";
}

/// <summary>What a failed assertion, an overflow or an index out of bounds gives; the code is Solidity's.</summary>
[Error("Panic")]
public sealed class PanicError : IErrorDTO
{
    [Parameter("uint256", "code", 1)]
    public System.Numerics.BigInteger Code { get; set; }
}
