using CapVault.Contracts;
using CapVault.Contracts.CAPVault.ContractDefinition;
using CapVault.Relayer.Accounts;
using Microsoft.Extensions.DependencyInjection;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using ChainOrder = CapVault.Contracts.CAPVault.ContractDefinition.Order;

namespace CapVault.IntegrationTests;

/// <summary>No order without both consents to exactly these terms.</summary>
public sealed class ConsentTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    [Fact]
    public async Task CR07_A_missing_or_altered_signature_is_refused_and_its_signer_named()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync(); // both accounts are deployed then: only a deployed one can answer for its consent
        var order = (await pair.NegotiateAsync()).Terms.ToChain();
        var requester = await SignAsync(order, pair.Requester, pair.Requester);
        var provider = await SignAsync(order, pair.Provider, pair.Provider);

        (await CreateRefusalAsync(order, requester, provider)).Should().BeNull("both consents are there");
        foreach (var (requesterSig, providerSig, culprit) in new[]
        {
            ([], provider, pair.Requester),
            (requester, [], pair.Provider),
            (Altered(requester), provider, pair.Requester),
            (requester, Altered(provider), pair.Provider),
            (provider, provider, pair.Requester),
            (requester, await SignAsync(order, pair.Provider, signer: pair.Requester), pair.Provider),
            (await SignAsync(With(order, salt: order.Salt + 1), pair.Requester, pair.Requester), provider, pair.Requester),
        })
        {
            var refusal = await CreateRefusalAsync(order, requesterSig, providerSig);

            refusal!.Value.Should().BeOfType<BadSignatureError>().Which.Signer.Should().BeEquivalentTo(culprit.Wallet);
        }
    }

    [Fact]
    public async Task CR07_Altered_terms_are_refused_whatever_was_signed()
    {
        var pair = await sandbox.NewPairAsync();
        await pair.CreateOrderAsync();
        var order = (await pair.NegotiateAsync()).Terms.ToChain();
        var requester = await SignAsync(order, pair.Requester, pair.Requester);
        var provider = await SignAsync(order, pair.Provider, pair.Provider);

        var refusal = await CreateRefusalAsync(With(order, amount: order.Amount - 1), requester, provider);

        refusal!.Value.Should().BeOfType<BadSignatureError>();
    }

    [Fact]
    public async Task CR08_The_Requesters_account_creates_the_order()
    {
        var pair = await sandbox.NewPairAsync();

        var order = await pair.CreateOrderAsync();

        var receipt = await sandbox.Chain.ReceiptAsync(order.CreateTxHash);
        receipt.OperationsOf(order.RequesterWalletAddress).Should().ContainSingle().Which.Success.Should().BeTrue();
        receipt.OperationsOf(order.ProviderWalletAddress).Should().BeEmpty();
    }

    private Task<ContractError?> CreateRefusalAsync(ChainOrder order, byte[] requesterSig, byte[] providerSig) => sandbox.Chain.RefusalAsync(
        new CreateOrderFunction { Order = order, RequesterSig = requesterSig, ProviderSig = providerSig }, from: TestKeys.Stranger.GetPublicAddress());

    // As the relayer signs for its agents; a party may be given another one's Executor.
    private async Task<byte[]> SignAsync(ChainOrder order, Party party, Party signer)
    {
        var chainId = sandbox.Chain.Deployment.ChainId;
        var orderId = new OrderTypedData(chainId, sandbox.Chain.Deployment.Vault).OrderId(order);
        return OrderConsent.Sign(order, orderId, chainId, party.Wallet, await ExecutorOfAsync(signer));
    }

    private async Task<EthECKey> ExecutorOfAsync(Party party)
    {
        var services = sandbox.Relayer.Services;
        var row = await services.GetRequiredService<Relayer.Accounts.Agents>().FindAsync(party.AgentId, CancellationToken.None);
        return services.GetRequiredService<ExecutorKeys>().Decrypt(party.AgentId, row!.ExecutorKey);
    }

    // The Executor's signature is the end of a consent, before its padding: this changes a bit of it.
    private static byte[] Altered(byte[] consent)
    {
        var altered = consent.ToArray();
        altered[^80] ^= 1;
        return altered;
    }

    private static ChainOrder With(ChainOrder order, ulong? salt = null, System.Numerics.BigInteger? amount = null) => new()
    {
        Requester = order.Requester,
        Provider = order.Provider,
        Token = order.Token,
        Arbiter = order.Arbiter,
        Approver = order.Approver,
        CommissionTo = order.CommissionTo,
        Amount = amount ?? order.Amount,
        FeeBps = order.FeeBps,
        CommissionBps = order.CommissionBps,
        PayDeadline = order.PayDeadline,
        SlaSeconds = order.SlaSeconds,
        ReviewSeconds = order.ReviewSeconds,
        TermsHash = order.TermsHash,
        Salt = salt ?? order.Salt,
    };
}
