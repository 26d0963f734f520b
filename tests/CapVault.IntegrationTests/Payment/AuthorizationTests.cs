using CapVault.Contracts;
using CapVault.Relayer.Orders;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using Nethereum.Util;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.IntegrationTests;

/// <summary>Requesters that are people with a wallet: they pay at the vault themselves, or sign and leave the rest to others (EIP-3009).</summary>
public sealed class AuthorizationTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private readonly EthECKey _person = EthECKey.GenerateKey();

    [Fact]
    public async Task CR62_A_stranger_submits_the_authorization_and_the_order_is_paid_by_the_signer()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync(); // the Provider's account is deployed then
        await using var provider = await pair.Provider.ListenAsync();
        await sandbox.Setup.FaucetAsync(_person.GetPublicAddress(), "5.00");
        var order = await NewOrderAsync(pair.Provider);
        var chainOrderId = sandbox.OrderIdOf(order).ToHex(prefix: true);
        await sandbox.Chain.VaultAs(TestKeys.Stranger).CreateOrderRequestAndWaitForReceiptAsync(order, SignAs(_person, sandbox.OrderIdOf(order)), await sandbox.ConsentAsync(order, pair.Provider));
        var authorization = AuthorizationOf(order, _person);
        var stranger = ClientOf(TestKeys.Stranger);
        (await stranger.GetTermsAsync(chainOrderId)).Should().Be(OrderTerms.From(order));
        var before = await sandbox.Chain.UsdcOfAsync(stranger.Address);

        foreach (var (wrong, what) in new[]
        {
            (AuthorizationOf(order, TestKeys.Stranger), "the stranger's own"),
            (AuthorizationOf(await NewOrderAsync(pair.Provider), _person), "of another order"),
            ("0x" + new string('1', 130), "nobody's"),
        })
        {
            await stranger.Invoking(it => it.PayOrderWithAuthorizationAsync(chainOrderId, wrong)).Should().ThrowAsync<CapApiException>(what);
        }

        var txHash = await stranger.PayOrderWithAuthorizationAsync(chainOrderId, authorization);

        (await sandbox.Chain.UsdcOfAsync(_person.GetPublicAddress())).Should().Be(4_000_000, "the signer has paid");
        (await sandbox.Chain.UsdcOfAsync(stranger.Address)).Should().Be(before, "the stranger has not");
        (await sandbox.Chain.PhaseOfAsync(chainOrderId)).Should().Be(Phase.Lock);
        var paid = await provider.HearAsync(e => e.Type == EventType.OrderPaid && e.ChainOrderId == chainOrderId, "the payment");
        paid.Chain!.TxHash.Should().Be(txHash);
        (await stranger.Invoking(it => it.PayOrderWithAuthorizationAsync(chainOrderId, authorization)).Should().ThrowAsync<CapApiException>())
            .Which.Reason.Should().Contain("WrongPhase", "it pays once");
        (await pair.DeliverAsync(paid.OrderId!)).Status.Should().Be(OrderStatus.Completed);
    }

    [Fact]
    public async Task CR62_An_order_is_created_and_paid_in_one_transaction_of_a_stranger()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync();
        await using var provider = await pair.Provider.ListenAsync();
        await sandbox.Setup.FaucetAsync(_person.GetPublicAddress(), "5.00");
        var order = await NewOrderAsync(pair.Provider);
        var consent = (await sandbox.ConsentAsync(order, pair.Provider)).ToHex(prefix: true);
        var chainOrderId = sandbox.OrderIdOf(order).ToHex(prefix: true);
        (await ClientOf(_person).Invoking(it => it.GetTermsAsync(chainOrderId)).Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.OrderNotFound);

        var txHash = await ClientOf(TestKeys.Stranger).CreateAndPayOrderWithAuthorizationAsync(OrderTerms.From(order), consent, AuthorizationOf(order, _person));

        foreach (var type in new[] { EventType.OrderCreated, EventType.OrderPaid })
        {
            (await provider.HearAsync(e => e.Type == type && e.ChainOrderId == chainOrderId, $"{type}")).Chain!.TxHash.Should().Be(txHash);
        }

        (await pair.Provider.Client.GetOrderAsync(chainOrderId)).Should().BeEquivalentTo(new { Status = OrderStatus.Paid, CreateTxHash = txHash, PayTxHash = txHash });
        (await sandbox.Chain.UsdcOfAsync(_person.GetPublicAddress())).Should().Be(4_000_000);
    }

    [Fact]
    public async Task A_person_creates_and_pays_in_one_transaction()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync();
        await sandbox.Setup.FaucetAsync(_person.GetPublicAddress(), "5.00");
        var order = await NewOrderAsync(pair.Provider);
        var consent = (await sandbox.ConsentAsync(order, pair.Provider)).ToHex(prefix: true);
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setBalance", _person.GetPublicAddress(), "0xde0b6b3a7640000");
        await sandbox.Chain.UsdcAs(_person).ApproveRequestAndWaitForReceiptAsync(sandbox.Chain.Deployment.Vault, order.Amount);
        (await ClientOf(TestKeys.Stranger).Invoking(it => it.CreateAndPayOrderAsync(OrderTerms.From(order), consent)).Should().ThrowAsync<CapApiException>())
            .Which.Reason.Should().Contain("Unauthorized");

        await ClientOf(_person).CreateAndPayOrderAsync(OrderTerms.From(order), consent);

        (await sandbox.Chain.PhaseOfAsync(sandbox.OrderIdOf(order).ToHex(prefix: true))).Should().Be(Phase.Lock);
    }

    [Fact]
    public async Task What_a_wallet_shows_is_what_is_signed()
    {
        var order = await NewOrderAsync((await sandbox.NewPairAsync()).Provider);
        var deployment = sandbox.Chain.Deployment;
        var data = TypedData.From(OrderAuthorization.TypedData(order, sandbox.OrderIdOf(order), deployment.ChainId, deployment.Vault, "USD Coin", "2"));

        data.Digest.Should().Equal(OrderAuthorization.Hash(order, sandbox.OrderIdOf(order), deployment.ChainId, deployment.Vault, "USD Coin", "2"));
        data.PrimaryType.Should().Be("ReceiveWithAuthorization");
    }

    private async Task<ChainOrder> NewOrderAsync(Party provider)
    {
        var head = await sandbox.Chain.Web3.Eth.Blocks.GetBlockWithTransactionsHashesByNumber.SendRequestAsync(Nethereum.RPC.Eth.DTOs.BlockParameter.CreateLatest());
        return new ChainOrder
        {
            Requester = _person.GetPublicAddress(),
            Provider = provider.Wallet,
            Token = sandbox.Chain.Deployment.Usdc,
            Arbiter = AddressUtil.ZERO_ADDRESS,
            Approver = AddressUtil.ZERO_ADDRESS,
            CommissionTo = AddressUtil.ZERO_ADDRESS,
            Amount = 1_000_000,
            FeeBps = 1000,
            PayDeadline = (ulong)head.Timestamp.Value + 1000,
            SlaSeconds = 600,
            TermsHash = new byte[32],
            Salt = (ulong)Random.Shared.NextInt64(),
        };
    }

    private string AuthorizationOf(ChainOrder order, EthECKey signer)
    {
        var deployment = sandbox.Chain.Deployment;
        return OrderAuthorization.Sign(order, sandbox.OrderIdOf(order), deployment.ChainId, deployment.Vault, "USD Coin", "2", signer).ToHex(prefix: true);
    }

    private static byte[] SignAs(EthECKey key, byte[] orderId) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(orderId)).HexToByteArray();

    private VaultClient ClientOf(EthECKey key) => new(sandbox.Chain.RpcUrl, sandbox.Chain.Deployment, key);
}
