using System.Net.WebSockets;
using System.Text.Json;
using CapVault.Sdk;
using Microsoft.AspNetCore.WebUtilities;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What the relayer says on its console when it says everything.</summary>
public sealed class LogTests
{
    private const string NodesKey = "projectKeyInTheNodesAddress";

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task No_key_token_signature_or_query_is_in_the_log(string json)
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var way = new NodeProxy(chain.RpcUrl);
        await using var relayer = await RelayerProcess.StartAsync(
            chain, "--Logging:LogLevel:Default=Trace", $"--CapVault:JsonLogs={json}", $"--CapVault:RpcUrl={way.Url}/?key={NodesKey}");
        var secrets = new List<string> { NodesKey, relayer.OperatorKey[^43..], File.ReadAllText(Path.Combine(relayer.DataDirectory, "master.key")).Trim()[2..] };
        secrets.AddRange(new[] { TestKeys.Lane, TestKeys.Sponsor, TestKeys.Owner }.Select(key => key.GetPrivateKey()[2..]));
        using var api = new RawApi(relayer.Url);
        var config = new Config { BaseUrl = relayer.Url };
        using var setup = new SetupClient(config, relayer.OperatorKey);

        secrets.AddRange(await SetUpAsync(config, setup, api));
        var pair = await PairAsync(config, setup);
        secrets.AddRange([pair.Requester.Key[^43..], pair.Provider.Key[^43..]]);
        secrets.AddRange(await StreamAsync(relayer.Url, api, pair.Requester));
        secrets.AddRange(await StoreAsync(api, pair.Provider));
        secrets.AddRange(await SelfHeldAsync(chain, config, setup, api, pair));
        await way.CutAsync();
        await Eventually.TrueAsync(() => Task.FromResult(relayer.Output.Contains("Following the chain stopped", StringComparison.Ordinal)), "the node's absence is in the log");
        await api.GetAsync(relayer.OperatorKey, "relayer/status");
        relayer.Terminate();
        await relayer.ExitAsync();

        relayer.Output.Should().NotBeEmpty();
        foreach (var secret in secrets)
        {
            relayer.Output.Should().NotContainEquivalentOf(secret);
        }

        if (json == "true")
        {
            var lines = relayer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            lines.Select(line => JsonSerializer.Deserialize<JsonElement>(line)).Should().OnlyContain(line => line.GetProperty("Timestamp").GetDateTimeOffset().Offset == TimeSpan.Zero);
        }
    }

    [Fact]
    public async Task A_start_that_fails_does_not_show_the_nodes_whole_address()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.PrepareAsync(chain, "--Logging:LogLevel:Default=Trace", $"--CapVault:RpcUrl={chain.RpcUrl}/v3/{NodesKey}");

        relayer.Launch();

        (await relayer.ExitAsync()).Should().NotBe(0);
        relayer.Output.Should().NotBeEmpty().And.NotContain(NodesKey);
    }

    // Keys and sign-ins, good and refused, where they belong and where not.
    private static async Task<List<string>> SetUpAsync(Config config, SetupClient setup, RawApi api)
    {
        var signature = "";
        var owner = EthECKey.GenerateKey();
        using var signedIn = await SetupClient.SignInAsync(config, owner.GetPublicAddress(), (message, _) =>
        {
            signature = new EthereumMessageSigner().EncodeUTF8AndSign(message, owner);
            return Task.FromResult(signature);
        });
        var agent = await signedIn.CreateAgentAsync(new() { Name = "agent" });
        var rotated = await signedIn.RotateSdkKeyAsync(agent.Agent.AgentId);
        var apiKey = await setup.CreateApiKeyAsync(new() { Name = "key", Scopes = [Scope.Read] });
        foreach (var key in new[] { agent.SdkKey, rotated[..^1] + "!", signedIn.Session!.Token + "x" })
        {
            await api.GetAsync(key, "orders"); // refused
            await api.GetAsync(null, $"orders?key={key}&cursor={key}"); // where it does not belong
        }

        await api.GetAsync(rotated, "relayer/status");
        return [agent.SdkKey[^43..], rotated[^43..^1], apiKey.Key[^43..], signedIn.Session.Token[^43..], signature[2..], owner.GetPrivateKey()[2..]];
    }

    private static async Task<List<string>> StreamAsync(string url, RawApi api, Party agent)
    {
        var ticket = (await api.PostAsync(agent.Key, "stream/tickets")).Data.GetProperty("ticket").GetString()!;
        await using (var stream = (await RawStream.ConnectAsync(url, key: null, ticket)).Stream)
        {
            await stream.SendTextAsync("{\"frame\":");
        }

        using var compat = new ClientWebSocket();
        await compat.ConnectAsync(new Uri($"ws://{new Uri(url).Authority}/ws?key={agent.Key}"), CancellationToken.None);
        await api.GetAsync(agent.Key, "events?wait=0&after=queryThatNobodyMayRead");
        return [ticket["tkt_".Length..], "queryThatNobodyMayRead"];
    }

    // The signature in a link is as good as a key.
    private static async Task<List<string>> StoreAsync(RawApi api, Party agent)
    {
        var upload = (await api.PostAsync(agent.Key, "objects/upload-url", """{"fileName":"a.txt"}""")).Data;
        var address = new Uri(upload.GetProperty("uploadUrl").GetString()!);
        using var http = new HttpClient();
        using var content = new ByteArrayContent("abc"u8.ToArray());
        using var stored = await http.PutAsync(address, content);
        using var refused = await http.GetAsync(new Uri(address + "x"));
        return [.. QueryHelpers.ParseQuery(address.Query).Values.Select(value => value.ToString()).Where(value => value.Length > 20)];
    }

    // An operation's signature cannot be used twice, but a consent's stays good until the order is made.
    private static async Task<List<string>> SelfHeldAsync(SandboxChain chain, Config config, SetupClient setup, RawApi api, Pair pair)
    {
        var executor = EthECKey.GenerateKey();
        var created = await setup.CreateAgentAsync(new() { Name = "self", Owner = TestKeys.Human.GetPublicAddress(), Executor = executor.GetPublicAddress() });
        using var client = new AgentClient(config with { Executor = new ExecutorSigner(created.Agent.WalletAddress, executor), Deployment = chain.Deployment }, created.SdkKey);
        var requester = new Party(created.Agent, created.SdkKey, client);
        await setup.LiftLimitsAsync(created.Agent);
        await setup.FaucetAsync(requester.Wallet, "1.00");
        var negotiated = await api.PostAsync(requester.Key, "orders/negotiate", $$"""{"serviceId":"{{pair.Service.ServiceId}}"}""");
        var consent = await ForeignWallet.SignAsync(negotiated.Data.GetProperty("consent"), executor);
        var negotiationId = negotiated.Data.GetProperty("negotiationId").GetString();
        await api.PostAsync(requester.Key, $"orders/negotiate/{negotiationId}/consent", $$"""{"revision":1,"signature":"{{consent}}"}""");
        var order = (await pair.Provider.Client.AcceptNegotiationAsync(negotiationId!)).Order;
        var self = new SelfHeldApi(api, requester, executor);
        var prepared = await self.PrepareAsync(order.OrderId, OrderStep.Pay);
        (await self.SubmitAsync(prepared, wait: 30)).Data.GetProperty("status").GetString().Should().Be("paid");
        return [created.SdkKey[^43..], executor.GetPrivateKey()[2..], consent[2..], self.Sign(prepared)[2..]];
    }

    private static async Task<Pair> PairAsync(Config config, SetupClient setup)
    {
        var (requester, provider) = (await AgentAsync("requester"), await AgentAsync("provider"));
        var service = await setup.CreateServiceAsync(new() { AgentId = provider.AgentId, Name = "Translation", Price = "1.00", SlaMinutes = 30 });
        return new Pair(requester, provider, service);

        async Task<Party> AgentAsync(string name)
        {
            var created = await setup.CreateSpenderAsync(name);
            return new Party(created.Agent, created.SdkKey, new AgentClient(config, created.SdkKey));
        }
    }
}
