using System.Collections.Concurrent;
using System.Reflection;
using Nethereum.ABI.FunctionEncoding.Attributes;

namespace Nethereum.ABI;

/// <summary>The [Parameter] properties of a C# type in their order: how it is encoded as arguments, results, event data or struct.</summary>
internal sealed class ParameterList
{
    private static readonly ConcurrentDictionary<Type, ParameterList> Known = new();

    private readonly Component[] components;

    private ParameterList(Type clrType, IEnumerable<Component> components)
    {
        ClrType = clrType;
        this.components = [.. components];
        HeadSize = this.components.Sum(c => c.Type.HeadSize);
        IsDynamic = this.components.Any(c => c.Type.IsDynamic);
        Signature = "(" + string.Join(',', this.components.Select(c => c.Type.Name)) + ")";
    }

    public Type ClrType { get; }

    /// <summary>Canonical types in parentheses: (address,uint256).</summary>
    public string Signature { get; }

    public int HeadSize { get; }

    public bool IsDynamic { get; }

    public ReadOnlySpan<Component> Components => components;

    public static ParameterList Of(Type clrType) => Known.GetOrAdd(clrType, static type => new ParameterList(
        type,
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Select(property => (property, parameter: property.GetCustomAttribute<ParameterAttribute>(inherit: true)))
            .Where(p => p.parameter is not null)
            .OrderBy(p => p.parameter.Order)
            .Select(p => new Component(p.parameter, p.property))));

    /// <summary>A list of some of the components, as event data and topics are.</summary>
    public ParameterList Where(Func<Component, bool> predicate) => new(ClrType, components.Where(predicate));

    public byte[] Encode(object value, ReadOnlySpan<byte> prefix = default)
    {
        var writer = new AbiWriter();
        prefix.CopyTo(writer.At(writer.Reserve(prefix.Length), prefix.Length));
        Write(writer, writer.Reserve(HeadSize), value);
        return writer.ToArray();
    }

    public byte[] EncodePacked(object value)
    {
        var writer = new AbiWriter();
        foreach (var component in components)
        {
            component.Type.WritePacked(writer, component.Get(value));
        }

        return writer.ToArray();
    }

    /// <summary>Writes the heads into the reserved space at `start`, the tails behind everything.</summary>
    public void Write(AbiWriter writer, int start, object value)
    {
        var head = start;
        foreach (var component in components)
        {
            if (component.Type.IsDynamic)
            {
                writer.WriteWord(head, writer.Length - start);
            }

            component.Type.Write(writer, head, component.Get(value));
            head += component.Type.HeadSize;
        }
    }

    /// <summary>Fills the properties of `target` from the encoding that begins at `start`.</summary>
    public void Read(AbiReader reader, int start, object target)
    {
        var head = start;
        foreach (var component in components)
        {
            component.Set(target, component.Type.Read(reader, component.Type.IsDynamic ? start + reader.Size(head) : head, component.ClrType));
            head += component.Type.HeadSize;
        }
    }

    internal sealed class Component(ParameterAttribute parameter, PropertyInfo property)
    {
        public ParameterAttribute Parameter { get; } = parameter;

        public ABIType Type { get; } = AbiTypes.Create(parameter.Type, property.PropertyType);

        public Type ClrType => property.PropertyType;

        public object Get(object owner) => property.GetValue(owner);

        public void Set(object owner, object value) => property.SetValue(owner, value);
    }
}
