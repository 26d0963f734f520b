using Nethereum.Util;

namespace Nethereum.ABI;

/// <summary>abi.encode and abi.encodePacked, and their hashes.</summary>
public class ABIEncode
{
    /// <summary>keccak256(abi.encodePacked(…)).</summary>
    public byte[] GetSha3ABIEncodedPacked(params ABIValue[] abiValues) => Sha3Keccack.Current.CalculateHash(GetABIEncodedPacked(abiValues));

    /// <summary>keccak256(abi.encode(…)).</summary>
    public byte[] GetSha3ABIEncoded(params ABIValue[] abiValues) => Sha3Keccack.Current.CalculateHash(GetABIEncoded(abiValues));

    /// <summary>keccak256(abi.encode(…)) of the [Parameter] properties.</summary>
    public byte[] GetSha3ABIParamsEncoded<T>(T input) => Sha3Keccack.Current.CalculateHash(GetABIParamsEncoded(input));

    /// <summary>keccak256(abi.encodePacked(…)) of the [Parameter] properties.</summary>
    public byte[] GetSha3ABIParamsEncodedPacked<T>(T input) => Sha3Keccack.Current.CalculateHash(GetABIParamsEncodedPacked(input));

    /// <summary>abi.encodePacked(…).</summary>
    public byte[] GetABIEncodedPacked(params ABIValue[] abiValues)
    {
        var writer = new AbiWriter();
        foreach (var abiValue in abiValues)
        {
            abiValue.ABIType.WritePacked(writer, abiValue.Value);
        }

        return writer.ToArray();
    }

    /// <summary>abi.encode(…).</summary>
    public byte[] GetABIEncoded(params ABIValue[] abiValues)
    {
        var writer = new AbiWriter();
        var head = writer.Reserve(abiValues.Sum(v => v.ABIType.HeadSize));
        foreach (var abiValue in abiValues)
        {
            if (abiValue.ABIType.IsDynamic)
            {
                writer.WriteWord(head, writer.Length);
            }

            abiValue.ABIType.Write(writer, head, abiValue.Value);
            head += abiValue.ABIType.HeadSize;
        }

        return writer.ToArray();
    }

    /// <summary>abi.encode(…) of the [Parameter] properties, each an argument of its own.</summary>
    public byte[] GetABIParamsEncoded<T>(T input) => ParameterList.Of(input.GetType()).Encode(input);

    /// <summary>abi.encodePacked(…) of the [Parameter] properties.</summary>
    public byte[] GetABIParamsEncodedPacked<T>(T input) => ParameterList.Of(input.GetType()).EncodePacked(input);

    /// <summary>An object with [Parameter] properties from what GetABIParamsEncoded made of one.</summary>
    /// <exception cref="FormatException">The bytes are not the encoding of the properties' types.</exception>
    public T DecodeEncodedComplexType<T>(byte[] encoded)
    {
        var value = Activator.CreateInstance<T>();
        ParameterList.Of(typeof(T)).Read(new AbiReader(encoded, 0), 0, value);
        return value;
    }
}
