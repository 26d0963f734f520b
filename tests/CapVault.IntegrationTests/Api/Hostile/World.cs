using System.Text;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>A sandbox with the <see cref="World"/> in it, made once for the tests of a class.</summary>
public class WorldSandbox : Sandbox
{
    public WorldSandbox()
    {
    }

    /// <inheritdoc/>
    protected WorldSandbox(string[] settings)
        : base(settings)
    {
    }

    internal World World { get; private set; } = null!;

    public override async Task InitializeAsync()
    {
        await base.InitializeAsync();
        World = await World.CreateAsync(this);
    }
}

/// <summary>Two parties with an order, whoever is nobody to them, and a key of each kind.</summary>
internal sealed class World
{
    private readonly Dictionary<string, string> _keysWithout = new(StringComparer.Ordinal);
    private Party _spare = null!;
    private Service _spareService = null!;
    private string _spareKeyId = null!;
    private UploadLink _upload = null!;
    private DownloadLink _download = null!;

    private World(Sandbox sandbox) => Sandbox = sandbox;

    public Sandbox Sandbox { get; }

    public Pair Pair { get; private set; } = null!;

    /// <summary>Paid, and waiting for its delivery.</summary>
    public Order Order { get; private set; } = null!;

    /// <summary>Waits for the Provider's answer.</summary>
    public Negotiation Negotiation { get; private set; } = null!;

    /// <summary>An agent of the same Owner, and no party to anything.</summary>
    public Party Stranger { get; private set; } = null!;

    /// <summary>What has opened something once: an agent's key, an operator's and a sign-in.</summary>
    public IReadOnlyList<string> Revoked { get; private set; } = [];

    public string OperatorKey => Sandbox.Relayer.OperatorKey;

    public static async Task<World> CreateAsync(Sandbox sandbox)
    {
        var world = new World(sandbox) { Pair = await sandbox.NewPairAsync(), Stranger = await sandbox.NewAgentAsync("stranger") };
        foreach (var scope in (string[])["read", "write", "support", "admin"])
        {
            world._keysWithout[scope] = (await world.NewOperatorKeyAsync([.. new[] { "read", "write", "support", "admin" }.Where(other => other != scope)])).Key;
        }

        // To be renamed, paused and given another key by whoever may.
        world._spare = await sandbox.NewAgentAsync("spare");
        world._spareService = await sandbox.Setup.CreateServiceAsync(new() { AgentId = world._spare.AgentId, Name = "Spare", Price = "1.00", SlaMinutes = 30 });
        world.Revoked = await world.RevokeAsync();
        await world.NewSpareKeyAsync();
        await world.StoreAsync();
        await world.RefreshOrdersAsync();
        await sandbox.QuietAsync();
        return world;
    }

    /// <summary>An operator's key that has every scope but one.</summary>
    public string OperatorWithout(Scope scope) => _keysWithout[scope.Value];

    /// <summary>The key of who uses a route.</summary>
    public string? KeyOf(Who who) => who switch
    {
        Who.Requester => Pair.Requester.Key,
        Who.Provider => Pair.Provider.Key,
        Who.Operator => OperatorKey,
        _ => null,
    };

    /// <summary>What must be in nobody's answer: it would open something.</summary>
    public IEnumerable<string> Secrets => [Pair.Requester.Key, Pair.Provider.Key, Stranger.Key, OperatorKey, .. _keysWithout.Values];

    /// <summary>What a stranger must not get to see.</summary>
    public IEnumerable<string> OfTheParties =>
    [
        Pair.Requester.AgentId, Pair.Requester.Wallet, Order.OrderId, Order.ChainOrderId, Order.NegotiationId!, Negotiation.NegotiationId,
    ];

    /// <summary>Sends what a well-behaved client would.</summary>
    /// <param name="method">GET, POST, …</param>
    /// <param name="path">Below <c>/api/v1/</c>, or from the root.</param>
    /// <param name="key">Of who calls.</param>
    /// <param name="json">The body.</param>
    /// <param name="headers">More headers.</param>
    public async Task<RawReply> SendAsync(string method, string path, string? key, string? json = null, params (string Name, string Value)[] headers)
    {
        var body = json is null ? null : Encoding.UTF8.GetBytes(Fill(json));
        var request = RawRequest.Of(method, Fill(path.StartsWith('/') ? path : "/api/v1/" + path), key, body);
        foreach (var (name, value) in headers)
        {
            request = request.Set(name, value);
        }

        return (await new RawHttp(Sandbox.Relayer.Url).SendAsync(request)) ?? throw new InvalidOperationException($"{method} {path} was closed without an answer.");
    }

    /// <summary>Fills in the names that the table of <see cref="Routes"/> uses for what is here.</summary>
    public string Fill(string text) => Names().Aggregate(text, (filled, name) => filled.Replace($"{{{name.Name}}}", name.Value, StringComparison.Ordinal));

    /// <summary>The same with ids of nothing.</summary>
    public static string FillWithNothing(string text) => Nothing.Aggregate(text, (filled, name) => filled.Replace($"{{{name.Key}}}", name.Value, StringComparison.Ordinal));

    /// <summary>Replaces what a call over this route may have used up, and returns when nothing is on its way any more.</summary>
    public async Task RefreshAsync(Route used)
    {
        if (used.Path.Contains("/api-keys/", StringComparison.Ordinal))
        {
            await NewSpareKeyAsync();
        }
        else if (used.Path.Contains("/orders/", StringComparison.Ordinal))
        {
            await RefreshOrdersAsync();
        }
        else if (used.Path.Contains("/drain", StringComparison.Ordinal))
        {
            await Sandbox.Setup.ResumeAsync();
        }

        await Sandbox.QuietAsync();
    }

    private async Task RefreshOrdersAsync()
    {
        if (Order is null || (await Pair.Requester.Client.GetOrderAsync(Order.OrderId)).Status != OrderStatus.Paid)
        {
            await Sandbox.Setup.FaucetAsync(Pair.Requester.Wallet, "1.00");
            Order = await Pair.CreatePaidOrderAsync();
        }

        if (Negotiation is null || (await Pair.Requester.Client.GetNegotiationAsync(Negotiation.NegotiationId)).Status != NegotiationStatus.Pending)
        {
            Negotiation = await Pair.NegotiateAsync(new { task = "translate" });
        }
    }

    private async Task NewSpareKeyAsync() => _spareKeyId = (await NewOperatorKeyAsync(["read"])).Id;

    /// <summary>An upload link for something new.</summary>
    public async Task<UploadLink> NewUploadAsync(Party party, object? announced = null) =>
        (await Sandbox.Api.PostAsync(party.Key, "objects/upload-url", JsonSerializer.Serialize(announced ?? new { fileName = "a.txt" }))).Data.Deserialize<UploadLink>(CapJson.Options)!;

    private async Task StoreAsync()
    {
        using var objects = new ObjectApi(Sandbox);
        _upload = await NewUploadAsync(Pair.Requester);
        await objects.PutAsync(_upload.UploadUrl, "abc"u8.ToArray());
        _download = await objects.DownloadLinkAsync(Pair.Requester, _upload.ObjectKey);
    }

    private static readonly Dictionary<string, string> Nothing = new(StringComparer.Ordinal)
    {
        ["id"] = "ord_000000000000000000000",
        ["negotiationId"] = "neg_000000000000000000000",
        ["agentId"] = "agt_000000000000000000000",
        ["agent"] = "agt_000000000000000000000",
        ["address"] = TestKeys.Human.GetPublicAddress(),
        ["usdc"] = TestKeys.Human.GetPublicAddress(),
        ["serviceId"] = "svc_000000000000000000000",
        ["objectKey"] = "obj_000000000000000000000",
        ["keyId"] = "000000000000000000",
        ["userOpHash"] = "0x" + new string('0', 64),
    };

    private IEnumerable<(string Name, string Value)> Names() =>
    [
        ("id", Order.OrderId), ("negotiationId", Negotiation.NegotiationId), ("agentId", _spare.AgentId), ("serviceId", _spareService.ServiceId), ("keyId", _spareKeyId),
        ("objectKey", _upload.ObjectKey), ("upload", new Uri(_upload.UploadUrl).Query), ("download", new Uri(_download.DownloadUrl).Query), ("userOpHash", Nothing["userOpHash"]),
        ("service", Pair.Service.ServiceId), ("provider", Pair.Provider.AgentId), ("agent", _spare.AgentId), ("address", TestKeys.Human.GetPublicAddress()),
        ("usdc", Sandbox.Chain.Deployment.Usdc),
    ];

    private async Task<IReadOnlyList<string>> RevokeAsync()
    {
        var agent = await Sandbox.NewAgentAsync("revoked");
        (await Sandbox.Api.PostAsync(OperatorKey, $"agents/{agent.AgentId}/sdk-key/rotate")).Data.GetProperty("sdkKey").GetString().Should().NotBe(agent.Key);
        var (keyId, key) = await NewOperatorKeyAsync(["read", "write", "support", "admin"]);
        (await Sandbox.Api.SendAsync(HttpMethod.Delete, OperatorKey, $"auth/api-keys/{keyId}", content: null)).Data.GetProperty("revoked").GetBoolean().Should().BeTrue();
        var owner = await SignInAsync(TestKeys.Human);
        (await Sandbox.Api.PostAsync(owner, "auth/logout")).Data.GetProperty("loggedOut").GetBoolean().Should().BeTrue();
        return [agent.Key, key, owner];
    }

    private async Task<(string Id, string Key)> NewOperatorKeyAsync(string[] scopes)
    {
        var made = (await Sandbox.Api.PostAsync(OperatorKey, "auth/api-keys", JsonSerializer.Serialize(new { name = "test", scopes }))).Data;
        return (made.GetProperty("apiKey").GetProperty("keyId").GetString()!, made.GetProperty("key").GetString()!);
    }

    /// <summary>Signs in with a wallet.</summary>
    public async Task<string> SignInAsync(EthECKey wallet)
    {
        var challenge = (await Sandbox.Api.PostAsync(key: null, "auth/challenge", JsonSerializer.Serialize(new { address = wallet.GetPublicAddress() }))).Data;
        var message = challenge.GetProperty("message").GetString()!;
        var signature = new EthereumMessageSigner().EncodeUTF8AndSign(message, wallet);
        return (await Sandbox.Api.PostAsync(key: null, "auth/login", JsonSerializer.Serialize(new { message, signature }))).Data.GetProperty("token").GetString()!;
    }
}
