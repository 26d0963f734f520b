using Nethereum.Hex.HexConvertors.Extensions;

namespace Nethereum.Hex.HexTypes;

/// <summary>How a value is written as hexadecimal text.</summary>
internal interface IHexConvertor<T>
{
    string ConvertToHex(T value);

    T ConvertFromHex(string value);
}

/// <summary>A JSON-RPC quantity: a value together with its hexadecimal text.</summary>
public class HexRPCType<T>
{
    private readonly IHexConvertor<T> convertor;
    private string hexValue;
    private T value;

    internal HexRPCType(IHexConvertor<T> convertor, string hexValue)
    {
        this.convertor = convertor;
        HexValue = hexValue;
    }

    internal HexRPCType(T value, IHexConvertor<T> convertor)
    {
        this.convertor = convertor;
        Value = value;
    }

    public string HexValue
    {
        get => hexValue;
        set
        {
            hexValue = value.EnsureHexPrefix();
            this.value = convertor.ConvertFromHex(hexValue);
        }
    }

    public T Value
    {
        get => value;
        set
        {
            this.value = value;
            hexValue = convertor.ConvertToHex(value).EnsureHexPrefix();
        }
    }

    public static implicit operator T(HexRPCType<T> hexRpcType) => hexRpcType.Value;

    public static bool operator ==(HexRPCType<T> left, HexRPCType<T> right) => left is null ? right is null : left.Equals(right);

    public static bool operator !=(HexRPCType<T> left, HexRPCType<T> right) => !(left == right);

    public byte[] ToHexByteArray() => HexValue.HexToByteArray();

    public bool Equals(HexRPCType<T> other) => other is not null && EqualityComparer<T>.Default.Equals(Value, other.Value);

    public override bool Equals(object obj) => obj is HexRPCType<T> other && Equals(other);

    public override int GetHashCode() => EqualityComparer<T>.Default.GetHashCode(Value);
}
