namespace Nethereum.ABI;

/// <summary>A type of the contract ABI specification, with its encoding.</summary>
public abstract class ABIType
{
    internal const int WordSize = 32;

    internal ABIType(string name) => Name = name;

    /// <summary>The canonical name, as it appears in signatures: uint256, bytes32[2], (address,bytes)[].</summary>
    public string Name { get; }

    /// <summary>Whether a tuple or array that contains the type holds an offset to it.</summary>
    internal virtual bool IsDynamic => false;

    /// <summary>Bytes that a static value takes; for a dynamic one, those of its offset.</summary>
    internal virtual int HeadSize => WordSize;

    /// <summary>The elementary type or array of elementary types that `typeName` names.</summary>
    /// <exception cref="NotSupportedException">There is no such type.</exception>
    public static ABIType CreateABIType(string typeName) => AbiTypes.Create(typeName, clrType: null);

    /// <summary>Writes a value: a static one into the head at `position`, a dynamic one behind everything written so far.</summary>
    internal abstract void Write(AbiWriter writer, int position, object value);

    /// <summary>Appends the packed encoding (Solidity's abi.encodePacked).</summary>
    internal abstract void WritePacked(AbiWriter writer, object value);

    /// <summary>Reads the value at `position` as `type`; object means the natural C# type.</summary>
    internal abstract object Read(AbiReader reader, int position, Type type);

    /// <summary>The exception for a C# value that the type cannot encode.</summary>
    internal ArgumentException Mismatch(object value, string expected) =>
        new($"{Name}: found {(value is null ? "null" : value is byte[] bytes ? $"{bytes.Length} bytes" : $"{value} ({value.GetType().Name})")}, expected {expected}.", nameof(value));
}
