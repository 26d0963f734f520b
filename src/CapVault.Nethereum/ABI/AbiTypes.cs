using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;

namespace Nethereum.ABI;

/// <summary>From type names to types. Tuples take their components from the C# type that carries [Parameter] properties.</summary>
internal static class AbiTypes
{
    private static readonly ConcurrentDictionary<(string, Type), ABIType> Known = new();

    /// <param name="clrType">The C# type that holds the value; only tuples need it.</param>
    public static ABIType Create(string typeName, Type clrType) =>
        Known.GetOrAdd((typeName, clrType), static key => Parse(key.Item1, key.Item2));

    /// <summary>T of T[] or of a generic list.</summary>
    public static Type ElementType(Type listType) =>
        listType is null ? null
        : listType.IsArray ? listType.GetElementType()
        : listType != typeof(string) && typeof(IEnumerable).IsAssignableFrom(listType) && listType.IsGenericType ? listType.GetGenericArguments()[0]
        : null;

    private static ABIType Parse(string name, Type clrType)
    {
        if (name.EndsWith(']'))
        {
            var open = name.LastIndexOf('[');
            var element = Create(name[..open], ElementType(clrType));
            var size = name[(open + 1)..^1];
            return size.Length == 0 ? new DynamicArrayType(element) : new StaticArrayType(element, Number(name, size, 1, int.MaxValue));
        }

        return name switch
        {
            "address" => new AddressType(),
            "bool" => new BoolType(),
            "bytes" => new BytesType(),
            "string" => new StringType(),
            "tuple" when clrType is not null => new TupleType(clrType),
            "uint" => new IntType(256, signed: false),
            "int" => new IntType(256, signed: true),
            _ when name.StartsWith("bytes", StringComparison.Ordinal) => new BytesElementaryType(Number(name, name[5..], 1, 32)),
            _ when name.StartsWith("uint", StringComparison.Ordinal) => new IntType(Bits(name, name[4..]), signed: false),
            _ when name.StartsWith("int", StringComparison.Ordinal) => new IntType(Bits(name, name[3..]), signed: true),
            _ => throw Unknown(name),
        };
    }

    private static int Bits(string name, string digits)
    {
        var bits = Number(name, digits, 8, 256);
        return bits % 8 == 0 ? bits : throw Unknown(name);
    }

    private static int Number(string name, string digits, int min, int max) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number : throw Unknown(name);

    private static NotSupportedException Unknown(string name) =>
        new($"Found the ABI type '{name}', expected an elementary type, an array, or a tuple with a C# type that has [Parameter] properties.");
}
