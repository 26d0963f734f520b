using System.Net.WebSockets;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>What the relayer says on its console when it says everything.</summary>
public sealed class LogTests
{
    [Fact]
    public async Task No_key_token_or_signature_is_in_the_log()
    {
        await using var chain = await SandboxChain.StartAsync();
        await using var relayer = await RelayerProcess.StartAsync(chain, "--Logging:LogLevel:Default=Trace");
        var config = new Config { BaseUrl = relayer.Url };
        using var api = new RawApi(relayer.Url);
        using var setup = new SetupClient(config, relayer.OperatorKey);
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
        using var client = new AgentClient(config, rotated);
        await client.ListOrdersAsync(new());
        foreach (var key in new[] { agent.SdkKey, rotated[..^1] + "!", signedIn.Session!.Token + "x" })
        {
            await api.GetAsync(key, "orders"); // refused
            await api.GetAsync(null, $"orders?key={key}&cursor={key}"); // where it does not belong
        }

        await api.GetAsync(rotated, "relayer/status");
        using (var socket = new ClientWebSocket())
        {
            socket.Options.SetRequestHeader("X-SDK-Key", rotated);
            await socket.ConnectAsync(new Uri($"ws://{new Uri(relayer.Url).Authority}/api/v1/stream"), CancellationToken.None);
        }

        relayer.Output.Should().NotBeEmpty();
        foreach (var secret in new[] { agent.SdkKey, rotated, apiKey.Key, signedIn.Session!.Token, relayer.OperatorKey })
        {
            relayer.Output.Should().NotContain(secret[^43..^1]); // the last character was altered above
        }

        relayer.Output.Should().NotContain(signature[2..]).And.NotContain(owner.GetPrivateKey()[2..]);
    }
}
