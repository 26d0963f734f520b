using Nethereum.Util;

namespace Nethereum.ABI.Model;

/// <summary>A contract function: its name, parameters and selector.</summary>
public class FunctionABI
{
    internal FunctionABI(string name, ParameterList parameters)
    {
        Name = name;
        InputParameters = Signatures.ParametersOf(parameters);
        Signature = name + parameters.Signature;
        Sha3Signature = Signatures.Selector(Signature);
    }

    public string Name { get; }

    public Parameter[] InputParameters { get; set; }

    /// <summary>Name and canonical types: transfer(address,uint256).</summary>
    public string Signature { get; }

    /// <summary>The selector: 8 hexadecimal digits without 0x.</summary>
    public string Sha3Signature { get; }
}

/// <summary>An event: its name, parameters and first topic.</summary>
public class EventABI
{
    internal EventABI(string name, ParameterList parameters)
    {
        Name = name;
        InputParameters = Signatures.ParametersOf(parameters);
        Signature = name + parameters.Signature;
        Sha3Signature = Sha3Keccack.Current.CalculateHash(Signature);
        NumberOfIndexes = InputParameters.Count(parameter => parameter.Indexed);
    }

    public string Name { get; }

    public Parameter[] InputParameters { get; set; }

    /// <summary>Name and canonical types.</summary>
    public string Signature { get; }

    /// <summary>The first topic: 64 hexadecimal digits without 0x.</summary>
    public string Sha3Signature { get; }

    /// <summary>How many parameters are topics.</summary>
    public int NumberOfIndexes { get; }
}

/// <summary>A custom error: its name, parameters and selector.</summary>
public class ErrorABI
{
    internal ErrorABI(string name, ParameterList parameters)
    {
        Name = name;
        InputParameters = Signatures.ParametersOf(parameters);
        Signature = name + parameters.Signature;
        Sha3Signature = Signatures.Selector(Signature);
    }

    public string Name { get; }

    public Parameter[] InputParameters { get; set; }

    /// <summary>Name and canonical types.</summary>
    public string Signature { get; }

    /// <summary>The selector: 8 hexadecimal digits without 0x.</summary>
    public string Sha3Signature { get; }
}

internal static class Signatures
{
    public static string Selector(string signature) => Sha3Keccack.Current.CalculateHash(signature)[..8];

    public static Parameter[] ParametersOf(ParameterList parameters) => [.. parameters.Components.ToArray().Select(component => component.Parameter.Parameter)];
}
