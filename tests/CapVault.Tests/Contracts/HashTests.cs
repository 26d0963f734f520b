using System.Globalization;
using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using FsCheck;
using FsCheck.Fluent;
using Nethereum.ABI.EIP712;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Signer.EIP712;

namespace CapVault.Tests.ContractBindings;

/// <summary>Hashes against the vectors that Solidity checks too.</summary>
public class HashTests
{
    public static TheoryData<string> OrderNames() => [.. Vectors("orders").Select(v => v.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(OrderNames))]
    public void Orders_have_the_orderId_of_the_vectors(string name)
    {
        var vector = Vectors("orders").Single(v => v.GetProperty("name").GetString() == name);
        var orders = new OrderTypedData(Number(vector, "chainId"), Text(vector, "verifyingContract"));
        var order = Order(vector.GetProperty("order"));
        orders.DomainSeparator.ToHex(prefix: true).Should().Be(Text(vector, "domainSeparator"));
        OrderTypedData.StructHash(order).ToHex(prefix: true).Should().Be(Text(vector, "structHash"));
        orders.OrderId(order).ToHex(prefix: true).Should().Be(Text(vector, "orderId"));
    }

    [Fact]
    public void The_short_way_to_the_orderId_is_the_way_of_EIP_712() => Prop.ForAll<ulong, uint, ushort>((salt, amount, bps) =>
    {
        var order = Order(Vectors("orders")[0].GetProperty("order"));
        (order.Salt, order.Amount, order.FeeBps) = (salt, amount, bps);
        var orders = new OrderTypedData(1, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0");
        return orders.OrderId(order).SequenceEqual(Eip712TypedDataEncoder.Current.EncodeAndHashTypedData(orders.TypedData(order)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_wallet_signs_the_orderId()
    {
        var key = EthECKey.GenerateKey();
        var order = Order(Vectors("orders")[0].GetProperty("order"));
        var orders = new OrderTypedData(31_337, "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0");
        var signature = Eip712TypedDataSigner.Current.SignTypedDataV4(orders.TypedData(order), key);
        new MessageSigner().EcRecover(orders.OrderId(order), signature).Should().Be(key.GetPublicAddress());
    }

    internal static Order Order(JsonElement order) => new()
    {
        Requester = Text(order, "requester"),
        Provider = Text(order, "provider"),
        Token = Text(order, "token"),
        Arbiter = Text(order, "arbiter"),
        Approver = Text(order, "approver"),
        CommissionTo = Text(order, "commissionTo"),
        Amount = Number(order, "amount"),
        FeeBps = (ushort)Number(order, "feeBps"),
        CommissionBps = (ushort)Number(order, "commissionBps"),
        PayDeadline = (ulong)Number(order, "payDeadline"),
        SlaSeconds = (uint)Number(order, "slaSeconds"),
        ReviewSeconds = (uint)Number(order, "reviewSeconds"),
        TermsHash = Text(order, "termsHash").HexToByteArray(),
        Salt = (ulong)Number(order, "salt"),
    };

    internal static JsonElement[] Vectors(string key) =>
        [.. JsonDocument.Parse(File.ReadAllText(Repository.File("tests", "vectors", "vectors.json"))).RootElement.GetProperty(key).EnumerateArray()];

    internal static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    internal static BigInteger Number(JsonElement element, string name) => BigInteger.Parse(Text(element, name), CultureInfo.InvariantCulture);
}
