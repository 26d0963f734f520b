namespace Nethereum.ABI;

/// <summary>A struct: a C# class whose [Parameter] properties are the components.</summary>
internal sealed class TupleType : ABIType
{
    private readonly ParameterList components;

    public TupleType(Type clrType) : this(ParameterList.Of(clrType))
    {
    }

    private TupleType(ParameterList components) : base(components.Signature) => this.components = components;

    internal override bool IsDynamic => components.IsDynamic;

    internal override int HeadSize => IsDynamic ? WordSize : components.HeadSize;

    internal override void Write(AbiWriter writer, int position, object value)
    {
        if (!components.ClrType.IsInstanceOfType(value))
        {
            throw Mismatch(value, $"a {components.ClrType.Name}");
        }

        components.Write(writer, IsDynamic ? writer.Reserve(components.HeadSize) : position, value);
    }

    internal override void WritePacked(AbiWriter writer, object value) => throw new NotSupportedException($"{Name}: packed encoding has no structs.");

    internal override object Read(AbiReader reader, int position, Type type)
    {
        var value = Activator.CreateInstance(components.ClrType);
        components.Read(reader, position, value);
        return value;
    }
}
