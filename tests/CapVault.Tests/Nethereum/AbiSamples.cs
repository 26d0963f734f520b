using System.Globalization;
using System.Numerics;
using Nethereum.ABI.FunctionEncoding.Attributes;
using Nethereum.Contracts;
using Nethereum.Hex.HexConvertors.Extensions;

namespace CapVault.Tests.NethereumApi;

[Function("mix")]
public class Mix : FunctionMessage
{
    [Parameter("tuple", "outer", 1)]
    public virtual Outer Outer { get; set; } = new();

    [Parameter("bool[]", "flags", 2)]
    public virtual List<bool> Flags { get; set; } = [];

    [Parameter("tuple[2]", "pair", 3)]
    public virtual List<Leg> Pair { get; set; } = [];
}

public class Outer
{
    [Parameter("address", "account", 1)]
    public virtual string Account { get; set; } = "";

    [Parameter("tuple[]", "items", 2)]
    public virtual List<Item> Items { get; set; } = [];

    [Parameter("string[2]", "names", 3)]
    public virtual List<string> Names { get; set; } = [];

    [Parameter("tuple", "fixed", 4)]
    public virtual Leg Fixed { get; set; } = new();
}

public class Item
{
    [Parameter("uint64", "id", 1)]
    public virtual ulong Id { get; set; }

    [Parameter("bytes", "data", 2)]
    public virtual byte[] Data { get; set; } = [];
}

public class Leg
{
    [Parameter("bytes32", "hash", 1)]
    public virtual byte[] Hash { get; set; } = [];

    [Parameter("int32", "delta", 2)]
    public virtual int Delta { get; set; }
}

public class Numbers
{
    [Parameter("uint256[]", "values", 1)]
    public virtual List<BigInteger> Values { get; set; } = [];
}

public class Small
{
    [Parameter("uint256", "value", 1)]
    public virtual ulong Value { get; set; }
}

public sealed class AllTypes : IEquatable<AllTypes>
{
    [Parameter("uint8", "small", 1)]
    public byte Small { get; set; }

    [Parameter("uint40", "time", 2)]
    public ulong Time { get; set; }

    [Parameter("uint256", "large", 3)]
    public BigInteger Large { get; set; }

    [Parameter("int64", "signed", 4)]
    public long Signed { get; set; }

    [Parameter("address", "account", 5)]
    public string Account { get; set; } = "";

    [Parameter("bool", "flag", 6)]
    public bool Flag { get; set; }

    [Parameter("bytes32", "word", 7)]
    public byte[] Word { get; set; } = [];

    [Parameter("bytes", "data", 8)]
    public byte[] Data { get; set; } = [];

    [Parameter("string", "text", 9)]
    public string Text { get; set; } = "";

    [Parameter("uint256[]", "numbers", 10)]
    public List<BigInteger> Numbers { get; set; } = [];

    [Parameter("bytes[]", "blobs", 11)]
    public List<byte[]> Blobs { get; set; } = [];

    public IEnumerable<string> AsCastArguments() =>
    [
        Small.ToString(CultureInfo.InvariantCulture), Time.ToString(CultureInfo.InvariantCulture), Large.ToString(CultureInfo.InvariantCulture),
        Signed.ToString(CultureInfo.InvariantCulture), Account, Flag ? "true" : "false", Word.ToHex(prefix: true), Data.ToHex(prefix: true), Text,
        $"[{string.Join(',', Numbers)}]", $"[{string.Join(',', Blobs.Select(b => b.ToHex(prefix: true)))}]",
    ];

    public bool Equals(AllTypes? other) => other is not null && AsCastArguments().SequenceEqual(other.AsCastArguments(), StringComparer.Ordinal);

    public override bool Equals(object? obj) => Equals(obj as AllTypes);

    public override int GetHashCode() => HashCode.Combine(Small, Time, Large);

    public override string ToString() => string.Join(' ', AsCastArguments());
}
