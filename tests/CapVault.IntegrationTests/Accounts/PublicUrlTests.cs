using System.Net;
using System.Text;
using System.Text.Json;
using CapVault.Sdk;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Which site an Owner signs in to is the operator's word, not the caller's.</summary>
public sealed class PublicUrlTests : IAsyncLifetime
{
    private SandboxChain _chain = null!;

    public async Task InitializeAsync() => _chain = await SandboxChain.StartAsync();

    public async Task DisposeAsync() => await _chain.DisposeAsync();

    [Fact]
    public async Task The_message_names_the_public_address_whatever_the_Host_header_says()
    {
        await using var relayer = await RelayerServer.StartAsync(_chain, "PublicUrl=https://relayer.example/capvault", "Sandbox=false");

        var message = await ChallengeAsync(relayer, host: "evil.example");

        message.Should().StartWith("relayer.example wants you").And.Contain("\nURI: https://relayer.example/capvault\n").And.NotContain("evil");
    }

    [Fact]
    public async Task Without_one_there_is_no_sign_in_outside_the_sandbox()
    {
        await using var relayer = await RelayerServer.StartAsync(_chain, "Sandbox=false");
        using var api = new RawApi(relayer.Url);

        var answer = await api.PostAsync(null, "auth/challenge", JsonSerializer.Serialize(new { address = TestKeys.Human.GetPublicAddress() }));

        answer.Status.Should().Be(HttpStatusCode.Conflict);
        answer.Message.Should().Contain("PublicUrl");
    }

    [Fact]
    public async Task The_SDK_signs_for_no_other_site_and_no_other_address()
    {
        await using var relayer = await RelayerServer.StartAsync(_chain, "PublicUrl=https://bank.example");
        var signed = false;

        var signIn = () => SetupClient.SignInAsync(new Config { BaseUrl = relayer.Url }, TestKeys.Human.GetPublicAddress(), (_, _) =>
        {
            signed = true;
            return Task.FromResult("0x00");
        });

        var refusal = (await signIn.Should().ThrowAsync<CapApiException>()).Which;
        refusal.Code.Should().Be(CapApiException.UnexpectedResponse);
        refusal.Reason.Should().Contain("bank.example").And.Contain(new Uri(relayer.Url).Authority);
        signed.Should().BeFalse();
    }

    [Fact]
    public async Task A_message_of_one_relayer_is_of_no_use_at_another()
    {
        // The same chain, the same site, another master key.
        await using var one = await RelayerServer.StartAsync(_chain, "PublicUrl=https://relayer.example");
        await using var other = await RelayerServer.StartAsync(_chain, "PublicUrl=https://relayer.example");
        var message = await ChallengeAsync(one, host: "relayer.example");
        using var api = new RawApi(other.Url);
        var signature = new EthereumMessageSigner().EncodeUTF8AndSign(message, TestKeys.Human);

        (await api.PostAsync(null, "auth/login", JsonSerializer.Serialize(new { message, signature }))).Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    private static async Task<string> ChallengeAsync(RelayerServer relayer, string host)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"{relayer.Url}/api/v1/auth/challenge"))
        {
            Content = RawApi.Json(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { address = TestKeys.Human.GetPublicAddress() }))),
        };
        request.Headers.Host = host;
        using var answer = await http.SendAsync(request);
        return JsonSerializer.Deserialize<JsonElement>(await answer.Content.ReadAsStringAsync()).GetProperty("data").GetProperty("message").GetString()!;
    }
}
