using System.Collections;
using System.Globalization;

namespace Nethereum.ABI;

/// <summary>T[] and T[n]: the elements one after the other, dynamic ones by offset.</summary>
internal abstract class ArrayType(string name, ABIType element) : ABIType(name)
{
    protected ABIType Element { get; } = element;

    protected void WriteElements(AbiWriter writer, int start, IList items)
    {
        for (var i = 0; i < items.Count; i++)
        {
            var head = start + (i * Element.HeadSize);
            if (Element.IsDynamic)
            {
                writer.WriteWord(head, writer.Length - start);
            }

            Element.Write(writer, head, items[i]);
        }
    }

    internal override void WritePacked(AbiWriter writer, object value)
    {
        if (Element.IsDynamic)
        {
            throw new NotSupportedException($"{Name}: packed encoding has arrays of static elements only.");
        }

        // Solidity pads the elements of a packed array to whole words.
        var items = ToList(value);
        WriteElements(writer, writer.Reserve(items.Count * Element.HeadSize), items);
    }

    protected object ReadElements(AbiReader reader, int start, int count, Type type)
    {
        var elementType = AbiTypes.ElementType(type) ?? typeof(object);
        var items = Array.CreateInstance(elementType, count);
        for (var i = 0; i < count; i++)
        {
            var head = start + (i * Element.HeadSize);
            items.SetValue(Element.Read(reader, Element.IsDynamic ? start + reader.Size(head) : head, elementType), i);
        }

        return type.IsArray || type == typeof(object) ? items : Activator.CreateInstance(typeof(List<>).MakeGenericType(elementType), items);
    }

    protected IList ToList(object value) => value as IList ?? throw Mismatch(value, "a list or an array");
}

internal sealed class DynamicArrayType(ABIType element) : ArrayType(element.Name + "[]", element)
{
    internal override bool IsDynamic => true;

    internal override void Write(AbiWriter writer, int position, object value)
    {
        var items = ToList(value);
        var start = writer.Reserve(WordSize + (items.Count * Element.HeadSize));
        writer.WriteWord(start, items.Count);
        WriteElements(writer, start + WordSize, items);
    }

    internal override object Read(AbiReader reader, int position, Type type)
    {
        var count = reader.Size(position);
        if ((long)count * Element.HeadSize > reader.Length)
        {
            // Nobody may make us allocate more elements than there are bytes for.
            throw new FormatException($"ABI: found {Name} with {count} elements in {reader.Length} bytes, expected at least {(long)count * Element.HeadSize}.");
        }

        return ReadElements(reader, position + WordSize, count, type);
    }
}

internal sealed class StaticArrayType(ABIType element, int size) : ArrayType($"{element.Name}[{size.ToString(CultureInfo.InvariantCulture)}]", element)
{
    private readonly int size = size;

    internal override bool IsDynamic => Element.IsDynamic;

    internal override int HeadSize => IsDynamic ? WordSize : size * Element.HeadSize;

    internal override void Write(AbiWriter writer, int position, object value)
    {
        var items = ToList(value);
        if (items.Count != size)
        {
            throw Mismatch(value, $"{size} elements instead of {items.Count}");
        }

        WriteElements(writer, IsDynamic ? writer.Reserve(size * Element.HeadSize) : position, items);
    }

    internal override object Read(AbiReader reader, int position, Type type) => ReadElements(reader, position, size, type);
}
