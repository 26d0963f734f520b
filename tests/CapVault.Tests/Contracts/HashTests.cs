using System.Globalization;
using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Contracts.EntryPoint.ContractDefinition;
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
    public static TheoryData<string> OrderNames() => Names("orders");

    public static TheoryData<string> AccountNames() => Names("accounts");

    public static TheoryData<string> OperationNames() => Names("userOps");

    [Theory]
    [MemberData(nameof(OrderNames))]
    public void Orders_have_the_orderId_of_the_vectors(string name)
    {
        var vector = Vector("orders", name);
        var orders = new OrderTypedData(Number(vector, "chainId"), Text(vector, "verifyingContract"));
        var order = Order(vector.GetProperty("order"));
        orders.DomainSeparator.ToHex(prefix: true).Should().Be(Text(vector, "domainSeparator"));
        OrderTypedData.StructHash(order).ToHex(prefix: true).Should().Be(Text(vector, "structHash"));
        orders.OrderId(order).ToHex(prefix: true).Should().Be(Text(vector, "orderId"));
    }

    [Theory]
    [MemberData(nameof(AccountNames))]
    public void Executors_consent_as_in_the_vectors(string name)
    {
        var vector = Vector("accounts", name);
        var order = Order(Vector("orders", Text(vector, "order")).GetProperty("order"));
        var (chainId, account) = (Number(vector, "chainId"), Text(vector, "account"));
        var orderId = new OrderTypedData(chainId, Text(vector, "vault")).OrderId(order);
        orderId.ToHex(prefix: true).Should().Be(Text(vector, "orderId"));
        OrderConsent.Hash(orderId, chainId, account).ToHex(prefix: true).Should().Be(Text(vector, "consentHash"));
        OrderConsent.Sign(order, orderId, chainId, account, new EthECKey(Text(vector, "executorKey"))).ToHex(prefix: true).Should().Be(Text(vector, "erc1271Signature"));
    }

    [Theory]
    [MemberData(nameof(OperationNames))]
    public void Operations_have_hash_and_signatures_of_the_vectors(string name)
    {
        var vector = Vector("userOps", name);
        var operation = Operation(vector);
        if (vector.TryGetProperty("sponsor", out var sponsor) && sponsor.ValueKind == JsonValueKind.Object)
        {
            var sponsorship = new Sponsorship(Number(vector, "chainId"), Text(sponsor, "paymaster"));
            var bundler = Text(sponsor, "bundler");
            var (verification, postOp) = (Number(sponsor, "verificationGasLimit"), Number(sponsor, "postOpGasLimit"));
            var (after, until) = ((ulong)Number(sponsor, "validAfter"), (ulong)Number(sponsor, "validUntil"));
            sponsorship.Hash(operation, bundler, verification, postOp, after, until).ToHex(prefix: true).Should().Be(Text(sponsor, "sponsorHash"));
            sponsorship.Sign(operation, bundler, verification, postOp, after, until, new EthECKey(Text(sponsor, "key"))).Should().Equal(operation.PaymasterAndData);
        }

        var hash = new UserOperations(Number(vector, "chainId"), Text(vector, "entryPoint")).Hash(operation);
        hash.ToHex(prefix: true).Should().Be(Text(vector, "userOpHash"));
        UserOperations.Sign(hash, new EthECKey(Text(vector, "signerKey"))).ToHex(prefix: true).Should().Be(Text(vector, "signature"));
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

    private static PackedUserOperation Operation(JsonElement operation) => new()
    {
        Sender = Text(operation, "sender"),
        Nonce = Number(operation, "nonce"),
        InitCode = Text(operation, "initCode").HexToByteArray(),
        CallData = Text(operation, "callData").HexToByteArray(),
        AccountGasLimits = Text(operation, "accountGasLimits").HexToByteArray(),
        PreVerificationGas = Number(operation, "preVerificationGas"),
        GasFees = Text(operation, "gasFees").HexToByteArray(),
        PaymasterAndData = Text(operation, "paymasterAndData").HexToByteArray(),
        Signature = Text(operation, "signature").HexToByteArray(),
    };

    private static Order Order(JsonElement order) => new()
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

    private static TheoryData<string> Names(string key) => [.. Vectors(key).Select(v => Text(v, "name"))];

    private static JsonElement Vector(string key, string name) => Vectors(key).Single(v => Text(v, "name") == name);

    private static JsonElement[] Vectors(string key) =>
        [.. JsonDocument.Parse(File.ReadAllText(Repository.File("tests", "vectors", "vectors.json"))).RootElement.GetProperty(key).EnumerateArray()];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static BigInteger Number(JsonElement element, string name) => BigInteger.Parse(Text(element, name), CultureInfo.InvariantCulture);
}
