using System.Collections;
using Nethereum.ABI.FunctionEncoding.Attributes;

namespace Nethereum.ABI.EIP712;

/// <summary>EIP-712 types from C# classes with [Struct] and [Parameter].</summary>
public class MemberDescriptionFactory
{
    /// <summary>The members of the given classes and of every struct that they contain, by struct name.</summary>
    public static Dictionary<string, MemberDescription[]> GetTypesMemberDescription(params Type[] types)
    {
        var descriptions = new Dictionary<string, MemberDescription[]>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            AddMemberDescriptionFromTypeToDictionary(descriptions, type);
        }

        return descriptions;
    }

    public static void AddMemberDescriptionFromTypeToDictionary(Dictionary<string, MemberDescription[]> dictionary, Type type)
    {
        var name = StructNames.Of(type);
        if (dictionary.ContainsKey(name))
        {
            return;
        }

        var components = ParameterList.Of(type).Components.ToArray();
        dictionary[name] = [.. components.Select(c => new MemberDescription { Name = c.Parameter.Name, Type = StructNames.MemberType(c) })];
        foreach (var component in components.Where(StructNames.IsStruct))
        {
            AddMemberDescriptionFromTypeToDictionary(dictionary, StructNames.ClassOf(component));
        }
    }
}

/// <summary>EIP-712 values from objects with [Parameter] properties.</summary>
public class MemberValueFactory
{
    public static MemberValue[] CreateFromMessage<T>(T message) =>
        [.. ParameterList.Of(message.GetType()).Components.ToArray().Select(component => new MemberValue
        {
            TypeName = StructNames.MemberType(component),
            Value = StructNames.IsStruct(component) ? StructValue(component.Get(message)) : component.Get(message),
        })];

    private static object StructValue(object value) =>
        value is IEnumerable items ? items.Cast<object>().Select(StructValue).ToList() : CreateFromMessage(value);
}

internal static class StructNames
{
    public static string Of(Type type) => StructAttribute.GetAttribute(type)?.Name
        ?? throw new InvalidOperationException($"{type.Name}: found no [Struct(\"…\")], expected the name that EIP-712 hashes.");

    public static bool IsStruct(ParameterList.Component component) => component.Parameter.Type.StartsWith("tuple", StringComparison.Ordinal);

    /// <summary>The class of a struct member, or of the elements of an array of structs.</summary>
    public static Type ClassOf(ParameterList.Component component)
    {
        var type = component.ClrType;
        while (AbiTypes.ElementType(type) is { } element)
        {
            type = element;
        }

        return type;
    }

    public static string MemberType(ParameterList.Component component) => IsStruct(component)
        ? (component.Parameter.StructTypeName ?? Of(ClassOf(component))) + component.Parameter.Type["tuple".Length..]
        : component.Parameter.Type;
}
