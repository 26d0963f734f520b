using System.Reflection;
using Nethereum.ABI.Model;

namespace Nethereum.ABI.FunctionEncoding.Attributes;

/// <summary>The class is the arguments of a contract function.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class FunctionAttribute : Attribute
{
    public FunctionAttribute(string name) => Name = name;

    public FunctionAttribute(string name, string returnType) : this(name) => ReturnType = returnType;

    public FunctionAttribute(string name, Type dtoReturnType) : this(name) => DTOReturnType = dtoReturnType;

    public string Name { get; }

    /// <summary>ABI type of the one result; null if there is none or several.</summary>
    public string ReturnType { get; }

    /// <summary>Class of the results if there are several or a struct.</summary>
    public Type DTOReturnType { get; }

    public static FunctionAttribute GetAttribute(Type type) => type.GetCustomAttribute<FunctionAttribute>(inherit: true);
}

/// <summary>The property is a parameter, result or component of the given ABI type, at the given place (from 1).</summary>
[AttributeUsage(AttributeTargets.Property)]
public class ParameterAttribute : Attribute
{
    public ParameterAttribute(string type, string name = null, int order = 1) => Parameter = new Parameter(type, name, order);

    public ParameterAttribute(string type, string name, int order, bool indexed = false) : this(type, name, order) => Parameter.Indexed = indexed;

    public ParameterAttribute(string type, string name, int order, string structTypeName = null) : this(type, name, order) =>
        Parameter.StructTypeName = structTypeName;

    public ParameterAttribute(string type, int order) : this(type, name: null, order)
    {
    }

    public Parameter Parameter { get; }

    public int Order => Parameter.Order;

    public string Name => Parameter.Name;

    public string Type => Parameter.Type;

    public string StructTypeName => Parameter.StructTypeName;
}

/// <summary>The class is an event.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class EventAttribute : Attribute
{
    public EventAttribute(string name) => Name = name;

    public string Name { get; set; }

    public static EventAttribute GetAttribute(Type type) => type.GetCustomAttribute<EventAttribute>(inherit: true);
}

/// <summary>The class is a custom error.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class ErrorAttribute : Attribute
{
    public ErrorAttribute(string name) => Name = name;

    public string Name { get; set; }

    public static ErrorAttribute GetAttribute(Type type) => type.GetCustomAttribute<ErrorAttribute>(inherit: true);
}

/// <summary>The class is a struct, with the name that EIP-712 hashes.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class StructAttribute : Attribute
{
    public StructAttribute(string name) => Name = name;

    public string Name { get; set; }

    public static StructAttribute GetAttribute(Type type) => type.GetCustomAttribute<StructAttribute>(inherit: true);
}

/// <summary>The class is the results of a contract function.</summary>
[AttributeUsage(AttributeTargets.Class)]
public class FunctionOutputAttribute : Attribute;

/// <summary>A class with <see cref="EventAttribute"/>.</summary>
public interface IEventDTO;

/// <summary>A class with <see cref="ErrorAttribute"/>.</summary>
public interface IErrorDTO;

/// <summary>A class with <see cref="FunctionOutputAttribute"/>.</summary>
public interface IFunctionOutputDTO;
