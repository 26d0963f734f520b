using System.Globalization;
using System.Numerics;
using CapVault.Contracts.SandboxToken;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Web3;

namespace CapVault.Cli.Sandbox;

/// <summary>Three orders between the sandbox's agents. Every claim that it prints is checked first: one that does not hold ends it.</summary>
internal sealed class Demo : IAsyncDisposable
{
    private const string Text = "Bonjour le monde";

    private readonly SandboxFile _sandbox;
    private readonly SetupClient _setup;
    private readonly Printer _print;
    private readonly SandboxTokenService _usdc;
    private readonly AgentClient _requester;
    private readonly AgentClient _provider;
    private readonly Dictionary<string, string> _transactions = new(StringComparer.Ordinal);
    private Listener? _requesterHears;
    private Listener? _providerHears;

    private Demo(SandboxFile sandbox, SetupClient setup, Printer print)
    {
        _sandbox = sandbox;
        _setup = setup;
        _print = print;
        _usdc = new SandboxTokenService(new Web3(sandbox.RpcUrl), sandbox.Contracts.Usdc);
        var config = new Config { BaseUrl = sandbox.ApiUrl, WsUrl = sandbox.WsUrl, RpcUrl = sandbox.RpcUrl };
        _requester = new AgentClient(config, Agent(Role.Requester).SdkKey);
        _provider = new AgentClient(config, Agent(Role.Provider).SdkKey);
    }

    /// <summary>What went on chain, by step.</summary>
    public IReadOnlyDictionary<string, string> Transactions => _transactions;

    /// <summary>Both agents listen from here on.</summary>
    public static async Task<Demo> StartAsync(SandboxFile sandbox, SetupClient setup, Printer print, CancellationToken cancellationToken)
    {
        var demo = new Demo(sandbox, setup, print);
        demo._requesterHears = await Listener.StartAsync(demo._requester, Role.Requester.Value, print, cancellationToken);
        demo._providerHears = await Listener.StartAsync(demo._provider, Role.Provider.Value, print, cancellationToken);
        return demo;
    }

    public async ValueTask DisposeAsync()
    {
        if (_requesterHears is not null)
        {
            await _requesterHears.DisposeAsync();
        }

        if (_providerHears is not null)
        {
            await _providerHears.DisposeAsync();
        }

        _requester.Dispose();
        _provider.Dispose();
    }

    /// <summary>Negotiation, both consents, payment, delivery, settlement.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        _print.Line("\n1. An order, from negotiation to settlement");
        var before = await BalancesAsync(cancellationToken);
        Show("before", before);
        var order = await CreatePaidAsync(cancellationToken);

        var delivered = await _provider.DeliverOrderAsync(
            order.OrderId, new() { DeliverableType = DeliverableType.Text, DeliverableText = Text }, cancellationToken);
        Step("deliver", $"the provider delivers \"{Text}\"; the vault pays {delivered.Order.ProviderAmount} USDC to it and keeps a fee of {delivered.Order.FeeAmount} USDC", delivered.TxHash);
        await _requesterHears!.HeardAsync(EventType.OrderCompleted, order.OrderId, cancellationToken);

        var delivery = await _requester.GetDeliveryAsync(order.OrderId, cancellationToken);
        Require(delivery.HashVerified && delivery.DeliverableText == Text, "the delivered text has the hash that is on chain");
        _print.Line($"  the requester reads \"{delivery.DeliverableText}\"");
        _print.Line($"      keccak256 {delivery.ContentHash}, computed here and confirmed by the vault");

        var after = await BalancesAsync(cancellationToken);
        Show("after", after);
        var price = BigInteger.Parse(order.Terms.Amount, CultureInfo.InvariantCulture);
        var fee = price * order.Terms.FeeBps / 10_000;
        Require(after.Requester == before.Requester - price, "the requester paid the price");
        Require(after.Provider == before.Provider + price - fee, "the provider got the price less the fee");
        // The keeper may have swept fees to the treasury meanwhile.
        Require(after.Vault == before.Vault + fee || after.Vault == fee || after.Vault == 0, "the vault keeps the fee for the treasury, and nothing else");
    }

    /// <summary>The Provider rejects a paid order.</summary>
    public async Task RejectAsync(CancellationToken cancellationToken)
    {
        const string reason = "fully booked";
        _print.Line("\n2. A rejection after payment");
        var before = await BalancesAsync(cancellationToken);
        var order = await CreatePaidAsync(cancellationToken);

        var rejected = await _provider.RejectOrderAsync(order.OrderId, reason, cancellationToken);
        Step("reject", $"the provider rejects (\"{reason}\"): {rejected.RefundAmount} USDC go back", rejected.RejectTxHash!);
        await BothHearAsync(EventType.OrderRejected, order.OrderId, cancellationToken);
        await RequireRefundAsync(before, cancellationToken);
    }

    /// <summary>Nobody delivers a paid order in time.</summary>
    public async Task ExpireAsync(CancellationToken cancellationToken)
    {
        _print.Line("\n3. An expiry after payment");
        var before = await BalancesAsync(cancellationToken);
        var order = await CreatePaidAsync(cancellationToken);

        var seconds = (int)order.Terms.SlaSeconds + 1;
        var now = await _setup.AdvanceClockAsync(seconds, cancellationToken);
        _print.Line($"  {seconds.ToString("N0", CultureInfo.InvariantCulture)} s pass without delivery: it is {now:u} on chain");
        var expired = await _requester.ExpireOrderAsync(order.OrderId, cancellationToken);
        Step("expire", $"the order expires: {expired.RefundAmount} USDC go back", expired.ExpireTxHash!);
        await BothHearAsync(EventType.OrderExpired, order.OrderId, cancellationToken);
        await RequireRefundAsync(before, cancellationToken);
    }

    private async Task<Order> CreatePaidAsync(CancellationToken cancellationToken)
    {
        var negotiation = await _requester.NegotiateOrderAsync(
            new() { ServiceId = _sandbox.ServiceId, Requirements = System.Text.Json.JsonSerializer.SerializeToElement("Hello world, in French") }, cancellationToken);
        _print.Line($"  the requester asks for {negotiation.ServiceId} at {negotiation.Price} USDC: {negotiation.NegotiationId}");
        await _providerHears!.HeardAsync(EventType.NegotiationCreated, negotiation.NegotiationId, cancellationToken);

        var accepted = await _provider.AcceptNegotiationAsync(negotiation.NegotiationId, cancellationToken: cancellationToken);
        var order = accepted.Order;
        Step("create", $"the provider accepts; both consents go on chain: {order.OrderId}", order.CreateTxHash!);
        await BothHearAsync(EventType.OrderCreated, order.OrderId, cancellationToken);

        var paid = await _requester.PayOrderAsync(order.OrderId, cancellationToken);
        Step("pay", $"the requester pays {paid.Order.Price} USDC into the vault, without holding any gas", paid.TxHash);
        await _providerHears.HeardAsync(EventType.OrderPaid, order.OrderId, cancellationToken);
        return paid.Order;
    }

    private async Task BothHearAsync(EventType type, string subject, CancellationToken cancellationToken)
    {
        await _requesterHears!.HeardAsync(type, subject, cancellationToken);
        await _providerHears!.HeardAsync(type, subject, cancellationToken);
    }

    private async Task RequireRefundAsync(Balances before, CancellationToken cancellationToken)
    {
        var after = await BalancesAsync(cancellationToken);
        Show("after", after);
        Require(after.Requester == before.Requester && after.Provider == before.Provider, "everybody has what they had before");
    }

    private async Task<Balances> BalancesAsync(CancellationToken cancellationToken) => new(
        await BalanceAsync(Agent(Role.Requester).Address, cancellationToken),
        await BalanceAsync(Agent(Role.Provider).Address, cancellationToken),
        await BalanceAsync(_sandbox.Contracts.Vault, cancellationToken));

    private Task<BigInteger> BalanceAsync(string address, CancellationToken cancellationToken) =>
        _usdc.BalanceOfQueryAsync(address).WaitAsync(cancellationToken);

    private SandboxAgent Agent(Role role) => _sandbox.Agents.Single(agent => agent.Name == role.Value);

    private void Show(string when, Balances balances) => _print.Line(
        $"  {when}: requester {Money.Format(balances.Requester)}, provider {Money.Format(balances.Provider)}, vault {Money.Format(balances.Vault)} USDC");

    private void Step(string name, string what, string txHash)
    {
        _transactions[$"{name}{(_transactions.ContainsKey(name) ? " " + _transactions.Count : "")}"] = txHash.EnsureHexPrefix();
        _print.Line($"  {what}");
        _print.Line($"      tx {txHash}");
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new CliException($"The demo found a fault: expected that {what}.", "Next: please report this with the output above.");
        }
    }

    private sealed record Balances(BigInteger Requester, BigInteger Provider, BigInteger Vault);
}
