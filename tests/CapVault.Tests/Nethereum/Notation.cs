using System.Globalization;
using System.Reflection;

namespace CapVault.Tests.NethereumApi;

/// <summary>Public types and members in the notation of tests/vectors/nethereum-api.txt.</summary>
internal static class Notation
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(decimal)] = "decimal",
        [typeof(double)] = "double",
    };

    /// <summary>Namespace and name, with `n for n type parameters.</summary>
    public static string FullName(Type type) => $"{type.Namespace}.{type.Name}";

    public static string Kind(Type type) =>
        type.IsInterface ? "interface" : type is { IsAbstract: true, IsSealed: true } ? "static class" : type.IsAbstract ? "abstract class" : "class";

    /// <summary>Public and protected members that the type declares; neither operators nor what every object has.</summary>
    public static IEnumerable<string> Members(Type type)
    {
        foreach (var constructor in type.GetConstructors(Declared).Where(c => IsVisible(c) && !c.IsStatic))
        {
            yield return $"{(constructor.IsFamily ? "protected " : "")}new({Parameters(constructor)})";
        }

        foreach (var field in type.GetFields(Declared).Where(f => f.IsPublic || f.IsFamily))
        {
            yield return $"{(field.IsStatic ? "static " : "")}{Name(field.FieldType)} {field.Name}";
        }

        foreach (var property in type.GetProperties(Declared).Where(p => p.GetAccessors(nonPublic: true).Any(IsVisible)))
        {
            var accessors = property.GetAccessors(nonPublic: true).Where(IsVisible).ToArray();
            var set = accessors.Contains(property.SetMethod) ? " set;" : "";
            yield return $"{Modifiers(accessors[0], type)}{Name(property.PropertyType)} {property.Name} {{ get;{set} }}";
        }

        foreach (var method in type.GetMethods(Declared).Where(m => IsVisible(m) && !m.IsSpecialName && m.GetBaseDefinition().DeclaringType != typeof(object)))
        {
            var arguments = method.IsGenericMethod ? $"<{string.Join(',', method.GetGenericArguments().Select(Name))}>" : "";
            yield return $"{Modifiers(method, type)}{Name(method.ReturnType)} {method.Name}{arguments}({Parameters(method)})";
        }
    }

    private static bool IsVisible(MethodBase member) => member.IsPublic || member.IsFamily || member.IsFamilyOrAssembly;

    private static string Modifiers(MethodInfo method, Type type) =>
        (method.IsFamily ? "protected " : "") + (method.IsStatic ? "static " : "") + (method.IsAbstract && !type.IsInterface ? "abstract " : "");

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(p =>
        $"{(p.IsDefined(typeof(ParamArrayAttribute)) ? "params " : "")}{Name(p.ParameterType)} {p.Name}{Default(p)}"));

    private static string Default(ParameterInfo parameter) => !parameter.HasDefaultValue ? ""
        : parameter.DefaultValue is null ? " = null"
        : " = " + Convert.ToString(parameter.DefaultValue, CultureInfo.InvariantCulture);

    private static string Name(Type type)
    {
        if (type.IsArray)
        {
            return Name(type.GetElementType()!) + "[]";
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            return Name(value) + "?";
        }

        return Keywords.TryGetValue(type, out var keyword) ? keyword
            : type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(',', type.GetGenericArguments().Select(Name))}>"
            : type.Name;
    }
}
