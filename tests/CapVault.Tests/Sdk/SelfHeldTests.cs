using System.Numerics;
using System.Text.Json;
using CapVault.Contracts;
using CapVault.Contracts.EntryPoint.ContractDefinition;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;
using static CapVault.Tests.Sdk.ScriptedApi;
using Order = CapVault.Sdk.Order;

namespace CapVault.Tests.Sdk;

/// <summary>A relayer that lies gets no signature.</summary>
public class SelfHeldTests
{
    private const string Key = "croo_sk_000000000000000000_secret";
    private const string Account = "0x1111111111111111111111111111111111111111";
    private const string Counterparty = "0x2222222222222222222222222222222222222222";
    private const string Attacker = "0x6666666666666666666666666666666666666666";
    private const string Zero = "0x0000000000000000000000000000000000000000";
    private const string Service = "svc_000000000000000000001";

    private static readonly Deployment Deployment = new()
    {
        ChainId = 31337,
        EntryPoint = "0x4337084D9E255Ff0702461CF8895CE9E3b5Ff108",
        Vault = "0x3333333333333333333333333333333333333333",
        AccountFactory = Attacker,
        AccountImplementation = Attacker,
        Paymaster = "0x4444444444444444444444444444444444444444",
        Usdc = "0x5555555555555555555555555555555555555555",
        Treasury = Attacker,
        Owner = Attacker,
        DeployBlock = 0,
    };

    private static readonly JsonElement Requirements = Json("""{"text":"Hello","n":1}""");

    private readonly EthECKey _executor = EthECKey.GenerateKey();
    private int _signed;

    /* CONSENTS */

    [Fact]
    public async Task A_consent_is_given_to_what_was_asked_for()
    {
        var negotiation = Honest(OrderTermsOf(requester: Account, provider: Counterparty));
        await using var api = await StartAsync(Data(negotiation, 201), Data(negotiation with { Awaiting = Role.Provider }));
        using var client = Client(api);

        (await client.NegotiateOrderAsync(Asked, Expected)).Awaiting.Should().Be(Role.Provider);

        api.Requests.Should().Equal("POST /api/v1/orders/negotiate", $"POST /api/v1/orders/negotiate/{negotiation.NegotiationId}/consent");
        var sent = JsonSerializer.Deserialize<ConsentRequest>(api.Bodies[1], CapJson.Options)!;
        sent.Revision.Should().Be(negotiation.Revision);
        ExecutorSignature.IsBy(_executor.GetPublicAddressAsBytes(), OrderConsent.Hash(negotiation.ChainOrderId.HexToByteArray(), Deployment.ChainId, Account), sent.Signature.HexToByteArray())
            .Should().BeTrue("the account checks exactly this");
    }

    public static readonly TheoryData<string> ConsentLies =
    [
        "another Provider", "another token", "another vault", "another chain", "an orderId of other terms", "a public id of another order",
        "a price for people that is not signed", "a window for people that is not signed", "an Arbiter", "an Approver", "a second payee", "a review", "a document of another hash", "a document about another version of the service",
        "a document about another service", "a document with other requirements", "another service", "a document without requirements", "a negative number", "a token that is none",
        "an amount beyond the vault's",
    ];

    [Fact]
    public async Task Third_parties_are_consented_to_by_whoever_expects_them()
    {
        var asRequester = Honest(Named(OrderTermsOf(requester: Account, provider: Counterparty)));
        var asProvider = Honest(Named(OrderTermsOf(requester: Counterparty, provider: Account))) with { Awaiting = Role.Provider };
        await using var api = await StartAsync(Data(asRequester, 201), Data(asRequester with { Awaiting = Role.Provider }), Error(409, "STALE_REVISION"));
        using var client = Client(api);

        await client.NegotiateOrderAsync(Asked with { ThirdParties = Judges }, Expected);
        await client.Invoking(it => it.AcceptNegotiationAsync(asProvider, Judges)).Should().ThrowAsync<CapApiException>().Where(e => e.Code == "STALE_REVISION");

        _signed.Should().Be(2);
        JsonSerializer.Deserialize<NegotiateOrderRequest>(api.Bodies[0], CapJson.Options)!.ThirdParties.Should().Be(Judges, "the relayer refuses others too");
    }

    public static readonly TheoryData<string> ThirdPartyLies =
    [
        "another Arbiter", "no Arbiter and no review", "a shorter review", "a longer review", "another Approver", "no Approver", "another payee", "a larger share", "no share",
    ];

    [Theory]
    [MemberData(nameof(ThirdPartyLies))]
    public async Task No_other_third_parties_are_consented_to(string lie)
    {
        var terms = Misnamed(lie, OrderTermsOf(requester: Account, provider: Counterparty));
        await using var api = await StartAsync(Data(Honest(terms), 201));
        using var client = Client(api);
        var seen = Honest(Misnamed(lie, OrderTermsOf(requester: Counterparty, provider: Account))) with { Awaiting = Role.Provider };

        await RefusedAsync(() => client.NegotiateOrderAsync(Asked with { ThirdParties = Judges }, Expected), api, requests: 1);
        await RefusedAsync(() => client.AcceptNegotiationAsync(seen, Judges), api, requests: 1);
    }

    // A Provider sells to whoever asks, at the price and for the requirements that the negotiation names; a Requester has named them itself.
    [Theory]
    [InlineData("price over the limit")]
    [InlineData("another Requester")]
    [InlineData("other requirements")]
    [MemberData(nameof(ConsentLies))]
    public async Task No_consent_is_given_to_anything_else(string lie)
    {
        await using var api = await StartAsync(Data(Lying(lie, OrderTermsOf(requester: Account, provider: Counterparty)), 201));
        using var client = Client(api);

        var negotiating = () => client.NegotiateOrderAsync(Asked, Expected);

        await RefusedAsync(negotiating, api, requests: 1);
    }

    [Theory]
    [InlineData(600, null)]
    [InlineData(null, 2)]
    public async Task No_Requester_consents_to_what_the_service_became_after_it_was_looked_at(int? maxDeliveryWindow, int? serviceVersion)
    {
        await using var api = await StartAsync(Data(Honest(OrderTermsOf(requester: Account, provider: Counterparty)), 201));
        using var client = Client(api);

        var negotiating = () => client.NegotiateOrderAsync(Asked, Expected with { MaxDeliveryWindow = maxDeliveryWindow, ServiceVersion = serviceVersion });

        await RefusedAsync(negotiating, api, requests: 1);
    }

    [Theory]
    [MemberData(nameof(ConsentLies))]
    public async Task No_Provider_accepts_anything_else(string lie)
    {
        var terms = OrderTermsOf(requester: Counterparty, provider: Account);
        await using var api = await StartAsync(Data(Lying(lie, terms) with { Awaiting = Role.Provider }));
        using var client = Client(api);

        var accepting = () => client.AcceptNegotiationAsync("neg_1");

        await RefusedAsync(accepting, api, requests: 1);
    }

    [Fact]
    public async Task A_Provider_accepts_the_terms_that_it_has_looked_at_and_no_others()
    {
        var seen = Honest(OrderTermsOf(requester: Counterparty, provider: Account)) with { Awaiting = Role.Provider };
        await using var api = await StartAsync(Error(409, "STALE_REVISION"));
        using var client = Client(api);

        await client.Invoking(it => it.AcceptNegotiationAsync(seen)).Should().ThrowAsync<CapApiException>();

        api.Requests.Should().Equal([$"POST /api/v1/orders/negotiate/{seen.NegotiationId}/accept?wait=30"], "what the relayer says now is not asked");
        var sent = JsonSerializer.Deserialize<AcceptNegotiationRequest>(api.Bodies[0], CapJson.Options)!;
        ExecutorSignature.IsBy(_executor.GetPublicAddressAsBytes(), OrderConsent.Hash(seen.ChainOrderId.HexToByteArray(), Deployment.ChainId, Account), sent.Signature!.HexToByteArray()).Should().BeTrue();
    }

    [Fact]
    public async Task A_client_that_signs_must_be_told_the_highest_price()
    {
        await using var api = await StartAsync(Cut());
        using var client = Client(api);

        foreach (var maxPrice in new[] { "", "-1", "1e3" })
        {
            var negotiating = () => client.NegotiateOrderAsync(Asked, Expected with { MaxPrice = maxPrice });
            (await negotiating.Should().ThrowAsync<ArgumentException>()).WithMessage("MaxPrice: found*");
        }

        await client.Invoking(it => it.NegotiateOrderAsync(Asked)).Should().ThrowAsync<InvalidOperationException>();
        using var held = new AgentClient(new Config { BaseUrl = api.Address }, Key);
        await held.Invoking(it => it.NegotiateOrderAsync(Asked, Expected)).Should().ThrowAsync<InvalidOperationException>("the relayer consents, unchecked");
        api.Requests.Should().BeEmpty();
    }

    /* STEPS */

    [Theory]
    [InlineData("pay")]
    [InlineData("create_and_pay")]
    [InlineData("deliver")]
    [InlineData("release")]
    [InlineData("dispute")]
    [InlineData("reject")]
    public async Task A_step_is_signed_when_the_operation_is_that_step(string step)
    {
        var order = Shown(step);
        var prepared = Prepared(step, order);
        var done = order with { Status = OrderStatus.Completed, PayTxHash = "0xa1", DeliverTxHash = "0xa2", RejectTxHash = "0xa3", ClearTxHash = "0xa4", DisputeTxHash = "0xa5", DeliverableHash = Content.Hash };
        await using var api = await StartAsync(Data(order), Data(prepared), Data(done));
        using var client = Client(api);

        await TakeAsync(client, step, order.OrderId);

        api.Requests.Should().Equal($"GET /api/v1/orders/{order.OrderId}", "POST /api/v1/ops/prepare", $"POST /api/v1/ops/{prepared.UserOpHash}/submit");
        var sent = JsonSerializer.Deserialize<SubmitRequest>(api.Bodies[2], CapJson.Options)!;
        ExecutorSignature.IsBy(_executor.GetPublicAddressAsBytes(), prepared.UserOpHash.HexToByteArray(), sent.Signature.HexToByteArray()).Should().BeTrue();
    }

    public static readonly TheoryData<string, string> StepLies = new()
    {
        { "pay", "another account" }, { "pay", "another step" }, { "pay", "another order's call" }, { "pay", "another order" }, { "pay", "another order by its on-chain id" },
        { "pay", "a larger allowance" }, { "pay", "a step more" }, { "pay", "the hash of another operation" }, { "pay", "another paymaster" }, { "pay", "the Owner's nonce key" },
        { "pay", "a factory" }, { "pay", "another vault" }, { "pay", "terms that are not the order's" }, { "pay", "bytes behind the call" }, { "pay", "no hexadecimal" },
        { "create_and_pay", "another step" }, { "create_and_pay", "another order's call" }, { "create_and_pay", "a larger allowance" }, { "create_and_pay", "another vault" },
        { "create_and_pay", "no consent" }, { "create_and_pay", "a consent that is not hexadecimal" }, { "create_and_pay", "a consent that is not the call's" },
        { "deliver", "another deliverable" }, { "deliver", "another step" }, { "deliver", "another order's call" },
        { "release", "another step" }, { "release", "another order's call" },
        { "dispute", "another reason" }, { "dispute", "another step" }, { "dispute", "another order's call" },
        { "reject", "another reason" }, { "reject", "another step" }, { "reject", "another order's call" },
    };

    [Theory]
    [MemberData(nameof(StepLies))]
    public async Task No_other_operation_is_signed(string step, string lie)
    {
        var order = Shown(step);
        var (shown, prepared) = Lying(lie, step, order);
        await using var api = await StartAsync(Data(shown), Data(prepared), Data(order with { PayTxHash = "0xa1" }));
        using var client = Client(api);

        var taking = () => TakeAsync(client, step, lie == "another order by its on-chain id" ? order.ChainOrderId : order.OrderId);

        await RefusedAsync(taking, api, requests: 2);
    }

    [Fact]
    public async Task Where_the_contracts_are_is_asked_once_if_nobody_has_pinned_them()
    {
        var (order, config) = (Shown("pay"), new RelayerConfig
        {
            ChainId = 31337,
            Vault = Deployment.Vault,
            EntryPoint = Deployment.EntryPoint,
            AccountFactory = Deployment.AccountFactory,
            Paymaster = Deployment.Paymaster,
            Usdc = Deployment.Usdc,
            Sandbox = true,
        });
        var paid = order with { PayTxHash = "0xa1" };
        await using var api = await StartAsync(Data(config), Data(order), Data(Prepared("pay", order)), Data(paid), Data(order), Data(Prepared("pay", order)), Data(paid));
        using var client = new AgentClient(
            new Config { BaseUrl = api.Address, Executor = new ExecutorSigner(Account, _executor) }, Key);

        await client.PayOrderAsync(order.OrderId);
        await client.PayOrderAsync(order.OrderId);

        api.Requests.Count(request => request == "GET /api/v1/config").Should().Be(1);
    }

    [Fact]
    public async Task What_ran_out_or_lost_its_place_is_prepared_again()
    {
        var order = Shown("pay");
        var prepared = Prepared("pay", order);
        await using var api = await StartAsync(
            Data(order), Data(prepared), Error(410, "PREPARATION_EXPIRED"), Data(order), Data(prepared), Error(404, "OPERATION_NOT_FOUND"), Data(order), Data(prepared), Data(order with { PayTxHash = "0xa1" }));
        using var client = Client(api);

        (await client.PayOrderAsync(order.OrderId)).TxHash.Should().Be("0xa1");

        _signed.Should().Be(3);
    }

    [Fact]
    public async Task A_step_that_has_happened_needs_no_signature()
    {
        var order = Shown("pay");
        await using var api = await StartAsync(Data(order), Error(409, "INVALID_STATE"), Data(order with { PayTxHash = "0xa1" }));
        using var client = Client(api);

        (await client.PayOrderAsync(order.OrderId)).TxHash.Should().Be("0xa1");

        _signed.Should().Be(0);
    }

    [Fact]
    public async Task The_other_sides_dispute_is_not_ones_own()
    {
        var order = Shown("dispute");
        await using var api = await StartAsync(Data(order), Error(409, "INVALID_STATE"), Data(order with { DisputedBy = Counterparty, DisputeTxHash = "0xa1" }));
        using var client = Client(api);

        var disputing = () => client.DisputeOrderAsync(order.OrderId, "no");

        (await disputing.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be("INVALID_STATE");
    }

    [Fact]
    public async Task A_step_that_is_not_possible_is_refused_with_the_relayers_reason()
    {
        var order = Shown("pay");
        await using var api = await StartAsync(Data(order), Error(409, "INVALID_STATE"), Data(order with { Status = OrderStatus.Rejected }));
        using var client = Client(api);

        var paying = () => client.PayOrderAsync(order.OrderId);

        (await paying.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be("INVALID_STATE");
        api.Requests.Should().HaveCount(3);
    }

    [Fact]
    public async Task Until_the_signature_is_sent_a_failure_is_known_to_have_had_no_effect()
    {
        var order = Shown("pay");
        await using var preparing = await StartAsync(Data(order), Error(500, "INTERNAL_ERROR"));
        await using var submitting = await StartAsync(Data(order), Data(Prepared("pay", order)), Error(500, "INTERNAL_ERROR"));
        using var unprepared = Client(preparing);
        using var unanswered = Client(submitting);

        await unprepared.Invoking(client => client.PayOrderAsync(order.OrderId)).Should().ThrowAsync<CapApiException>();
        await unanswered.Invoking(client => client.PayOrderAsync(order.OrderId)).Should().ThrowAsync<OutcomeUnknownException>();
    }

    /* TYPED DATA */

    [Fact]
    public void Typed_data_hashes_to_what_is_signed()
    {
        var (order, orderId) = (Shown("pay"), new byte[32]);
        var operation = Prepared("pay", order).UserOp.ToPacked();
        var operations = new UserOperations(Deployment.ChainId, Deployment.EntryPoint);

        TypedData.From(OrderConsent.TypedData(orderId, Deployment.ChainId, Account)).Digest.Should().Equal(OrderConsent.Hash(orderId, Deployment.ChainId, Account));
        TypedData.From(operations.TypedData(operation)).Digest.Should().Equal(operations.Hash(operation));
        UserOperation.From(operation).Should().Be(Prepared("pay", order).UserOp);
    }

    [Fact]
    public void A_public_id_derives_from_the_orders_id() =>
        PublicId.OfOrder("0x00102030405060708090a0b0c0d0e0f0ffffffffffffffffffffffffffffffff".HexToByteArray()).Should().Be("ord_ABAgMEBQYHCAkKCwwNDg8");

    [Theory]
    [InlineData("")]
    [InlineData("0x12")]
    [InlineData("111111111111111111111111111111111111111111")]
    public void An_account_is_an_address(string account) =>
        FluentActions.Invoking(() => new ExecutorSigner(account, _executor)).Should().Throw<ArgumentException>().WithMessage("Found '*', expected the agent's account*");

    /* THE HONEST ANSWERS, AND THE LIES */

    private static (DeliverOrderRequest Request, string Hash) Content { get; } = (
        new DeliverOrderRequest { DeliverableType = DeliverableType.Text, DeliverableText = "Bonjour" },
        DeliverableHash.Of(DeliverableType.Text, "Bonjour", null).ToHex(prefix: true));

    private static string ProviderSignature => "0x" + new string('5', 1290);

    private static NegotiateOrderRequest Asked => new() { ServiceId = Service, Requirements = Requirements };

    private static ExpectedTerms Expected => new() { MaxPrice = "1.00", ProviderWallet = Counterparty };

    private AgentClient Client(ScriptedApi api) => new(
        new Config
        {
            BaseUrl = api.Address,
            Deployment = Deployment,
            MaxRetries = 0,
            Executor = new ExecutorSigner(Account, (data, _) =>
            {
                _signed++;
                return Task.FromResult(UserOperations.Sign(data.Digest, _executor).ToHex(prefix: true));
            }),
        },
        Key);

    private async Task RefusedAsync<T>(Func<Task<T>> call, ScriptedApi api, int requests)
    {
        (await call.Should().ThrowAsync<CapApiException>()).Which.Should().BeEquivalentTo(new { Code = CapApiException.SignatureRefused, Retryable = false });
        _signed.Should().Be(0);
        api.Requests.Should().HaveCount(requests, "nothing is sent after it");
    }

    private static Task<object> TakeAsync(AgentClient client, string step, string orderId) => step switch
    {
        "pay" or "create_and_pay" => Boxed(client.PayOrderAsync(orderId)),
        "deliver" => Boxed(client.DeliverOrderAsync(orderId, Content.Request)),
        "release" => Boxed(client.ReleaseOrderAsync(orderId)),
        "dispute" => Boxed(client.DisputeOrderAsync(orderId, "no")),
        _ => Boxed(client.RejectOrderAsync(orderId, "no")),
    };

    private static async Task<object> Boxed<T>(Task<T> task)
        where T : class => await task;

    private static Order Shown(string step) => Show(step == "deliver" ? OrderTermsOf(requester: Counterparty, provider: Account) : OrderTermsOf(requester: Account, provider: Counterparty)) with
    {
        CreateTxHash = step == "create_and_pay" ? null : Samples.Created.CreateTxHash,
    };

    private static Order Show(OrderTerms terms)
    {
        var orderId = OrderId(terms);
        return Samples.Created with { OrderId = PublicId.OfOrder(orderId), ChainOrderId = orderId.ToHex(prefix: true), Terms = terms };
    }

    private static Negotiation Honest(OrderTerms terms, string? document = null)
    {
        var orderId = OrderId(terms);
        return new Negotiation
        {
            NegotiationId = "neg_000000000000000000001",
            ServiceId = Service,
            ServiceVersion = 1,
            RequesterAgentId = "agt_1",
            ProviderAgentId = "agt_2",
            Requirements = Requirements,
            Status = NegotiationStatus.Pending,
            Revision = 1,
            Awaiting = Role.Requester,
            Price = Money.Format(BigInteger.TryParse(terms.Amount, out var amount) ? amount : 0),
            PaymentToken = terms.Token,
            DeliveryWindow = terms.SlaSeconds,
            OrderId = PublicId.OfOrder(orderId),
            ChainOrderId = orderId.ToHex(prefix: true),
            Terms = terms,
            TermsDocument = Json(document ?? Document()),
            ExpiresAt = DateTimeOffset.UnixEpoch,
            CreatedTime = DateTimeOffset.UnixEpoch,
            UpdatedTime = DateTimeOffset.UnixEpoch,
        };
    }

    private static Negotiation Lying(string lie, OrderTerms terms)
    {
        var honest = Honest(terms);
        return lie switch
        {
            "price over the limit" => Honest(terms with { Amount = "1000001" }),
            "another Provider" => Honest(terms with { Provider = Attacker }),
            "another Requester" => Honest(terms with { Requester = Attacker }),
            "another token" => Honest(terms with { Token = Attacker }),
            "another vault" => honest with { ChainOrderId = new OrderTypedData(Deployment.ChainId, Attacker).OrderId(terms.ToChain()).ToHex(prefix: true) },
            "another chain" => honest with { ChainOrderId = new OrderTypedData(1, Deployment.Vault).OrderId(terms.ToChain()).ToHex(prefix: true) },
            "an orderId of other terms" => honest with { ChainOrderId = Honest(terms with { Salt = "2" }).ChainOrderId },
            "a public id of another order" => honest with { OrderId = Honest(terms with { Salt = "2" }).OrderId },
            "a price for people that is not signed" => honest with { Price = "0.01" },
            "a window for people that is not signed" => honest with { DeliveryWindow = 60 },
            "an Arbiter" => Honest(terms with { Arbiter = Attacker }),
            "an Approver" => Honest(terms with { Approver = Attacker }),
            "a second payee" => Honest(terms with { CommissionTo = Attacker, CommissionBps = 4000 }),
            "a review" => Honest(terms with { ReviewSeconds = 300 }),
            "a document of another hash" => honest with { TermsDocument = Json(Document(version: 9)) },
            "a document about another service" => Honest(terms with { TermsHash = HashOf(Document(service: "svc_2")) }, Document(service: "svc_2")),
            "a document about another version of the service" => Honest(terms with { TermsHash = HashOf(Document(serviceVersion: 2)) }, Document(serviceVersion: 2)),
            "a document with other requirements" => Honest(terms with { TermsHash = HashOf(Document(requirements: "{}")) }, Document(requirements: "{}")),
            "a document without requirements" => Honest(terms with { TermsHash = HashOf(Document(requirements: "null")) }, Document(requirements: "null")),
            "other requirements" => Honest(terms with { TermsHash = HashOf(Document(requirements: "{}")) }, Document(requirements: "{}")) with { Requirements = Json("{}") },
            "another service" => honest with { ServiceId = "svc_2" },
            "a negative number" => honest with { Terms = terms with { PayDeadline = -1 } },
            "a token that is none" => honest with { Terms = terms with { Token = "0x12" } },
            "an amount beyond the vault's" => honest with { Terms = terms with { Amount = (BigInteger.One << 120).ToString() } },
            _ => throw new ArgumentOutOfRangeException(nameof(lie), lie, "Found a lie that nobody tells."),
        };
    }

    private static PreparedOperation Prepared(string step, Order order, Func<PackedUserOperation, PackedUserOperation>? alter = null)
    {
        var (terms, orderId) = (order.Terms.ToChain(), order.ChainOrderId.HexToByteArray());
        var operation = new PackedUserOperation
        {
            Sender = Account,
            Nonce = UserOperations.Nonce(UserOperations.ExecutorKey(orderId), 7),
            InitCode = [],
            CallData = step switch
            {
                "pay" => AccountCalls.Pay(Deployment.Vault, terms),
                "create_and_pay" => AccountCalls.CreateAndPay(Deployment.Vault, terms, ProviderSignature.HexToByteArray()),
                "deliver" => AccountCalls.Deliver(Deployment.Vault, terms, Content.Hash.HexToByteArray()),
                "release" => AccountCalls.Release(Deployment.Vault, terms),
                "dispute" => AccountCalls.Dispute(Deployment.Vault, terms, DeliverableHash.Keccak256("no"u8)),
                _ => AccountCalls.Reject(Deployment.Vault, terms, DeliverableHash.Keccak256("no"u8)),
            },
            AccountGasLimits = UserOperations.AccountGasLimits(80_000, 120_000),
            PreVerificationGas = 60_000,
            GasFees = UserOperations.GasFees(1_000_000_000, 5_000_000_000),
            Signature = [],
        };
        operation.PaymasterAndData = new Sponsorship(Deployment.ChainId, Deployment.Paymaster).PaymasterAndData(40_000, 0, 0, 1_900_000_000, new byte[65]);
        operation = alter?.Invoke(operation) ?? operation;
        var operations = new UserOperations(Deployment.ChainId, Deployment.EntryPoint);
        return new PreparedOperation
        {
            OrderId = order.OrderId,
            Step = OrderStep.Parse(step),
            UserOp = UserOperation.From(operation),
            UserOpHash = operations.Hash(operation).ToHex(prefix: true),
            TypedData = TypedData.From(operations.TypedData(operation)),
            ProviderSignature = step == "create_and_pay" ? ProviderSignature : null,
            ValidUntil = DateTimeOffset.UnixEpoch,
        };
    }

    private static (Order Shown, PreparedOperation Prepared) Lying(string lie, string step, Order order)
    {
        var honest = Prepared(step, order);
        var other = Show(order.Terms with { Salt = "2" });
        var terms = order.Terms.ToChain();
        return lie switch
        {
            "another account" => (order, Prepared(step, order, op => With(op, sender: Counterparty))),
            "another step" => (order, Prepared(step == "reject" ? "pay" : "reject", order)),
            "another order's call" => (order, Prepared(step, order, op => With(op, callData: Prepared(step, other).UserOp.CallData.HexToByteArray()))),
            "another order" or "another order by its on-chain id" => (other, Prepared(step, other)),
            "a larger allowance" => (order, Prepared(step, order, op => With(op, callData: Replaced(op.CallData, terms.Amount, terms.Amount * 1000)))),
            "a step more" => (order, Prepared(step, order, op => With(op, callData: TwoSteps(terms)))),
            "the hash of another operation" => (order, honest with { UserOpHash = Prepared(step, other).UserOpHash }),
            "another paymaster" => (order, Prepared(step, order, op => With(op, paymaster: Attacker))),
            "the Owner's nonce key" => (order, Prepared(step, order, op => With(op, nonce: 7))),
            "a factory" => (order, honest with { UserOp = honest.UserOp with { Factory = Attacker, FactoryData = "0x" } }),
            "another vault" => (order, Prepared(step, order, op => With(op, callData: AccountCalls.Pay(Attacker, terms)))),
            "terms that are not the order's" => (order with { Terms = order.Terms with { Amount = "1" } }, Prepared(step, order with { Terms = order.Terms with { Amount = "1" } })),
            "bytes behind the call" => (order, Prepared(step, order, op => With(op, callData: [.. op.CallData, .. new byte[32]]))),
            "no hexadecimal" => (order, honest with { UserOp = honest.UserOp with { Nonce = "12" } }),
            "no consent" => (order, honest with { ProviderSignature = null }),
            "a consent that is not hexadecimal" => (order, honest with { ProviderSignature = "0xconsent" }),
            "a consent that is not the call's" => (order, honest with { ProviderSignature = "0x01" }),
            "another deliverable" => (order, Prepared(step, order, op => With(op, callData: AccountCalls.Deliver(Deployment.Vault, terms, DeliverableHash.Keccak256("else"u8))))),
            "another reason" => (order, Prepared(step, order, op => With(op, callData: OfReason(step)(Deployment.Vault, terms, DeliverableHash.Keccak256("else"u8))))),
            _ => throw new ArgumentOutOfRangeException(nameof(lie), lie, "Found a lie that nobody tells."),
        };
    }

    private static Func<string, Contracts.CAPVault.ContractDefinition.Order, byte[], byte[]> OfReason(string step) => step == "dispute" ? AccountCalls.Dispute : AccountCalls.Reject;

    private static PackedUserOperation With(PackedUserOperation operation, string? sender = null, byte[]? callData = null, BigInteger? nonce = null, string? paymaster = null) => new()
    {
        Sender = sender ?? operation.Sender,
        Nonce = nonce ?? operation.Nonce,
        InitCode = operation.InitCode,
        CallData = callData ?? operation.CallData,
        AccountGasLimits = operation.AccountGasLimits,
        PreVerificationGas = operation.PreVerificationGas,
        GasFees = operation.GasFees,
        PaymasterAndData = paymaster is null ? operation.PaymasterAndData : [.. paymaster.HexToByteArray(), .. operation.PaymasterAndData[20..]],
        Signature = operation.Signature,
    };

    // The first word of this value is the allowance: it comes before the payment.
    private static byte[] Replaced(byte[] data, BigInteger from, BigInteger to)
    {
        var (hex, word) = (data.ToHex(), from.ToString("x64", null));
        var at = hex.IndexOf(word, StringComparison.Ordinal);
        return (hex[..at] + to.ToString("x64", null) + hex[(at + 64)..]).HexToByteArray();
    }

    private static byte[] TwoSteps(Contracts.CAPVault.ContractDefinition.Order terms)
    {
        var both = Nethereum.Contracts.FunctionMessageExtensions.DecodeInput(
            new Contracts.AgentAccount.ContractDefinition.ExecuteOrderStepsFunction(), AccountCalls.Pay(Deployment.Vault, terms).ToHex(prefix: true));
        var reject = Nethereum.Contracts.FunctionMessageExtensions.DecodeInput(
            new Contracts.AgentAccount.ContractDefinition.ExecuteOrderStepsFunction(), AccountCalls.Reject(Deployment.Vault, terms, new byte[32]).ToHex(prefix: true));
        both.Steps.AddRange(reject.Steps);
        return Nethereum.Contracts.FunctionMessageExtensions.GetCallData(both);
    }

    private static OrderTerms OrderTermsOf(string requester, string provider) => new()
    {
        Requester = requester,
        Provider = provider,
        Token = Deployment.Usdc,
        Arbiter = Zero,
        Approver = Zero,
        CommissionTo = Zero,
        Amount = "1000000",
        FeeBps = 1000,
        CommissionBps = 0,
        PayDeadline = 1_900_000_000,
        SlaSeconds = 1800,
        ReviewSeconds = 0,
        TermsHash = HashOf(Document()),
        Salt = "1",
    };

    private static ThirdParties Judges { get; } = new()
    {
        Arbiter = "0x9999999999999999999999999999999999999999",
        ReviewSeconds = 3600,
        Approver = "0x7777777777777777777777777777777777777777",
        CommissionTo = "0x8888888888888888888888888888888888888888",
        CommissionBps = 250,
    };

    private static OrderTerms Named(OrderTerms terms) => terms with
    {
        Arbiter = Judges.Arbiter!,
        ReviewSeconds = Judges.ReviewSeconds!.Value,
        Approver = Judges.Approver!,
        CommissionTo = Judges.CommissionTo!,
        CommissionBps = Judges.CommissionBps!.Value,
    };

    private static OrderTerms Misnamed(string lie, OrderTerms terms) => lie switch
    {
        "another Arbiter" => Named(terms) with { Arbiter = Attacker },
        "no Arbiter and no review" => Named(terms) with { Arbiter = Zero, ReviewSeconds = 0 },
        "a shorter review" => Named(terms) with { ReviewSeconds = 3599 },
        "a longer review" => Named(terms) with { ReviewSeconds = 3601 },
        "another Approver" => Named(terms) with { Approver = Attacker },
        "no Approver" => Named(terms) with { Approver = Zero },
        "another payee" => Named(terms) with { CommissionTo = Attacker },
        "a larger share" => Named(terms) with { CommissionBps = 251 },
        "no share" => Named(terms) with { CommissionTo = Zero, CommissionBps = 0 },
        _ => throw new ArgumentOutOfRangeException(nameof(lie), lie, "Found a lie that nobody tells."),
    };

    private static byte[] OrderId(OrderTerms terms) => new OrderTypedData(Deployment.ChainId, Deployment.Vault).OrderId(terms.ToChain());

    private static string Document(int version = 1, string service = Service, int serviceVersion = 1, string? requirements = null) =>
        $$"""{"version":{{version}},"service":{"id":"{{service}}","version":{{serviceVersion}}},"requirements":{{requirements ?? Requirements.GetRawText()}}}""";

    private static string HashOf(string document) => DeliverableHash.Keccak256(CanonicalJson.Serialize(Json(document))).ToHex(prefix: true);

    private static JsonElement Json(string json) => JsonSerializer.Deserialize<JsonElement>(json);
}
