using System.Collections;
using Nethereum.Util;

namespace Nethereum.ABI.EIP712;

/// <summary>Encoding and hashing of EIP-712 typed data.</summary>
public class Eip712TypedDataEncoder
{
    private const string DomainTypeName = "EIP712Domain";

    public static Eip712TypedDataEncoder Current { get; } = new();

    /// <summary>What is signed: 0x1901 ‖ domain separator ‖ hashStruct(message).</summary>
    public byte[] EncodeTypedData<T, TDomain>(T message, TypedData<TDomain> typedData)
    {
        typedData.SetMessage(message);
        return EncodeTypedData(typedData);
    }

    /// <summary>What is signed: 0x1901 ‖ domain separator ‖ hashStruct(message).</summary>
    public byte[] EncodeTypedData<TDomain>(TypedData<TDomain> typedData)
    {
        typedData.EnsureDomainRawValuesAreInitialised();
        return EncodeTypedDataRaw(typedData);
    }

    /// <summary>The digest: keccak256 of <see cref="EncodeTypedData{T,TDomain}(T,TypedData{TDomain})"/>.</summary>
    public byte[] EncodeAndHashTypedData<T, TDomain>(T message, TypedData<TDomain> typedData) =>
        Sha3Keccack.Current.CalculateHash(EncodeTypedData(message, typedData));

    /// <summary>The digest: keccak256 of <see cref="EncodeTypedData{TDomain}(TypedData{TDomain})"/>.</summary>
    public byte[] EncodeAndHashTypedData<TDomain>(TypedData<TDomain> typedData) => Sha3Keccack.Current.CalculateHash(EncodeTypedData(typedData));

    /// <summary>What is signed: 0x1901 ‖ domain separator ‖ hashStruct(message).</summary>
    public byte[] EncodeTypedDataRaw(TypedDataRaw typedData) =>
        [0x19, 0x01, .. HashDomainSeparator(typedData), .. HashStruct(typedData.Types, typedData.PrimaryType, typedData.Message)];

    public byte[] HashDomainSeparator<TDomain>(TypedData<TDomain> typedData)
    {
        typedData.EnsureDomainRawValuesAreInitialised();
        return HashDomainSeparator((TypedDataRaw)typedData);
    }

    public byte[] HashDomainSeparator(TypedDataRaw typedData) => HashStruct(typedData.Types, DomainTypeName, typedData.DomainRawValues);

    /// <summary>hashStruct of an object with [Parameter] properties; `types` are the classes of all structs in it.</summary>
    public byte[] HashStruct<T>(T message, string primaryType, params Type[] types) =>
        HashStruct(MemberDescriptionFactory.GetTypesMemberDescription(types), primaryType, MemberValueFactory.CreateFromMessage(message));

    /// <summary>encodeType: the primary type, then the types it refers to, sorted by name.</summary>
    public string GetEncodedType(string primaryType, params Type[] types) =>
        EncodeType(MemberDescriptionFactory.GetTypesMemberDescription(types), primaryType);

    private static byte[] HashStruct(IDictionary<string, MemberDescription[]> types, string typeName, MemberValue[] values)
    {
        var typeHash = Sha3Keccack.Current.CalculateHashAsBytes(EncodeType(types, typeName));
        return Sha3Keccack.Current.CalculateHash([.. typeHash, .. values.SelectMany(value => EncodeValue(types, value.TypeName, value.Value))]);
    }

    private static byte[] EncodeValue(IDictionary<string, MemberDescription[]> types, string typeName, object value)
    {
        if (typeName.EndsWith(']'))
        {
            var elementType = typeName[..typeName.LastIndexOf('[')];
            return Sha3Keccack.Current.CalculateHash([.. ((IEnumerable)value).Cast<object>().SelectMany(item => EncodeValue(types, elementType, item))]);
        }

        if (types.ContainsKey(typeName))
        {
            return HashStruct(types, typeName, (MemberValue[])value);
        }

        return typeName is "string" or "bytes"
            ? new ABIEncode().GetSha3ABIEncodedPacked(new ABIValue(typeName, value))
            : new ABIEncode().GetABIEncoded(new ABIValue(typeName, value));
    }

    private static string EncodeType(IDictionary<string, MemberDescription[]> types, string primaryType)
    {
        var referred = new SortedSet<string>(StringComparer.Ordinal);
        Collect(primaryType);
        referred.Remove(primaryType);
        return string.Concat(referred.Prepend(primaryType).Select(name =>
            $"{name}({string.Join(',', types[name].Select(member => $"{member.Type} {member.Name}"))})"));

        void Collect(string name)
        {
            if (types.TryGetValue(name, out var members) && referred.Add(name))
            {
                foreach (var member in members)
                {
                    Collect(member.Type.Split('[')[0]);
                }
            }
        }
    }
}
