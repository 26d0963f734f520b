using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using CapVault.Sdk;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Signer;

namespace CapVault.IntegrationTests;

/// <summary>Owners sign in with their wallet, and nobody in their place.</summary>
public sealed class SignInTests(Sandbox sandbox) : IClassFixture<Sandbox>
{
    private readonly EthECKey _owner = EthECKey.GenerateKey();

    [Fact]
    public async Task An_Owner_signs_in_and_out()
    {
        using var setup = await SetupClient.SignInAsync(sandbox.Config, _owner);

        setup.Session!.Owner.Should().Be(_owner.GetPublicAddress());
        (await setup.ListAgentsAsync(new())).Items.Should().BeEmpty();

        await setup.SignOutAsync();

        var after = () => setup.ListAgentsAsync(new());
        (await after.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InvalidApiKey);
    }

    [Fact]
    public async Task The_message_is_the_one_that_wallets_know_and_names_everything_that_binds_it()
    {
        var (message, nonce, expires) = await ChallengeAsync();

        var site = new Uri(sandbox.Relayer.Url);
        message.Should().MatchRegex(
            $"""
            ^{site.Authority} wants you to sign in with your Ethereum account:
            {_owner.GetPublicAddress()}

            [^\n]+

            URI: {site.AbsoluteUri}
            Version: 1
            Chain ID: 31337
            Nonce: [A-Za-z0-9]+
            Issued At: \d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ
            Expiration Time: \d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$
            """);
        message.Should().Contain($"Nonce: {nonce}\n").And.EndWith($"{expires.UtcDateTime:yyyy-MM-ddTHH:mm:ss}.{expires.Millisecond:000}Z");
    }

    [Fact]
    public async Task A_message_works_once()
    {
        var (message, _, _) = await ChallengeAsync();
        var signature = Sign(message, _owner);

        (await LoginAsync(message, signature)).Status.Should().Be(HttpStatusCode.OK);
        var again = await LoginAsync(message, signature);

        again.Status.Should().Be(HttpStatusCode.Unauthorized);
        again.Code.Should().Be(ErrorCodes.ReplayedRequest);
        again.Message.Should().Contain("/auth/challenge");
    }

    [Fact]
    public async Task Not_even_after_it_was_signed_out()
    {
        var (message, _, _) = await ChallengeAsync();
        var signature = Sign(message, _owner);
        var token = (await LoginAsync(message, signature)).Data.GetProperty("token").GetString();
        (await sandbox.Api.PostAsync(token, "auth/logout")).Status.Should().Be(HttpStatusCode.OK);
        using var other = await SetupClient.SignInAsync(sandbox.Config, _owner); // prunes

        (await LoginAsync(message, signature)).Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    [Fact]
    public async Task Of_many_logins_at_once_with_one_message_one_wins()
    {
        var (message, _, _) = await ChallengeAsync();
        var signature = Sign(message, _owner);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => LoginAsync(message, signature)));

        answers.Count(answer => answer.Status == HttpStatusCode.OK).Should().Be(1);
        answers.Where(answer => answer.Status != HttpStatusCode.OK).Should().OnlyContain(answer => answer.Code == ErrorCodes.ReplayedRequest);
    }

    [Fact]
    public async Task Another_ones_signature_is_refused_and_the_message_still_works()
    {
        var (message, _, _) = await ChallengeAsync();

        foreach (var signature in new[]
        {
            Sign(message, EthECKey.GenerateKey()),
            Sign(message + " ", _owner),
            $"0x{new string('0', 130)}",
            $"0x{new string('f', 130)}",
            "0x00",
            $"0x{new string('1', 8192)}",
        })
        {
            var answer = await LoginAsync(message, signature);

            answer.Status.Should().Be(HttpStatusCode.Unauthorized, signature);
            answer.Code.Should().Be(ErrorCodes.InvalidSignature);
        }

        (await LoginAsync(message, Sign(message, _owner))).Status.Should().Be(HttpStatusCode.OK);
    }

    public static readonly TheoryData<string, string> Alterations = new()
    {
        { "^[^ ]+ wants", "evil.example wants" },
        { "0x[0-9a-fA-F]{40}", "0x8b3a350cf5c34c9194ca85829a2df0ec3153be03" },
        { "Sign in to", "Give all to" },
        { "URI: .*", "URI: https://evil.example/" },
        { "Version: 1", "Version: 2" },
        { "Chain ID: 31337", "Chain ID: 1" },
        { "Nonce: .", "Nonce: z" },
        { "(Nonce: .*).\n", "$1z\n" },
        { "Nonce: (.{32}).{32}", "Nonce: $1" },
        { "Nonce: .*", "Nonce: 0123456789abcdef" },
        { "Nonce: ", "nonce: " },
        { "Issued At: 2", "Issued At: 3" },
        { "Expiration Time: 2", "Expiration Time: 3" },
        { "\nExpiration Time: .*", "" },
        { "$", "\nResources:\n- https://evil.example/" },
        { "\n", "\r\n" },
        { "^", "\n" },
        { ".*", "" },
    };

    /// <summary>The Owner itself signs here: what counts is that this was not issued.</summary>
    [Theory]
    [MemberData(nameof(Alterations))]
    public async Task What_was_not_issued_here_byte_for_byte_is_refused_however_well_it_is_signed(string pattern, string replacement)
    {
        var (message, _, _) = await ChallengeAsync();
        var altered = Regex.Replace(message, pattern, replacement, RegexOptions.None, TimeSpan.FromSeconds(1));
        altered.Should().NotBe(message);

        var answer = await LoginAsync(altered, Sign(altered, _owner));

        answer.Status.Should().Be(HttpStatusCode.Unauthorized);
        answer.Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    [Fact]
    public async Task A_message_for_one_address_is_of_no_use_to_another()
    {
        var thief = EthECKey.GenerateKey();
        var (message, _, _) = await ChallengeAsync();
        var stolen = message.Replace(_owner.GetPublicAddress(), thief.GetPublicAddress(), StringComparison.Ordinal);

        (await LoginAsync(message, Sign(message, thief))).Code.Should().Be(ErrorCodes.InvalidSignature);
        (await LoginAsync(stolen, Sign(stolen, thief))).Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    [Fact]
    public async Task A_message_ends_after_five_minutes_and_a_session_after_an_hour()
    {
        var (early, _, _) = await ChallengeAsync();
        await sandbox.Setup.AdvanceClockAsync(301);
        var (message, _, expires) = await ChallengeAsync();

        (await LoginAsync(early, Sign(early, _owner))).Code.Should().Be(ErrorCodes.ReplayedRequest);
        var session = (await LoginAsync(message, Sign(message, _owner))).Data.Deserialize<OwnerSession>(CapJson.Options)!;
        session.ExpiresAt.Should().BeCloseTo(expires.AddMinutes(55), TimeSpan.FromSeconds(30));
        (await sandbox.Api.GetAsync(session.Token, "agents")).Status.Should().Be(HttpStatusCode.OK);

        await sandbox.Setup.AdvanceClockAsync(3601);

        var late = await sandbox.Api.GetAsync(session.Token, "agents");
        late.Status.Should().Be(HttpStatusCode.Unauthorized);
        late.Code.Should().Be(ErrorCodes.InvalidApiKey);
    }

    [Fact]
    public async Task A_contract_is_asked_itself()
    {
        var wallet = EthECKey.GenerateKey().GetPublicAddress();
        // ERC-1271: says yes to the hash in slot 0 alone, whatever the signature, and reverts otherwise.
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setCode", wallet, "0x6004356000541460" + "0f57" + "60006000fd5b631626ba7e60e01b60005260206000f3");
        var asked = "";
        Task<SetupClient> SignInAsync(bool consents) => SetupClient.SignInAsync(sandbox.Config, wallet, async (message, _) =>
        {
            asked = message;
            var hash = new EthereumMessageSigner().HashPrefixedMessage(Encoding.UTF8.GetBytes(message)).ToHex(true);
            await sandbox.Chain.Node.RequestAsync<object>("anvil_setStorageAt", wallet, $"0x{new string('0', 64)}", consents ? hash : $"0x{new string('0', 64)}");
            return "0x1234";
        });

        var refused = () => SignInAsync(consents: false);
        (await refused.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InvalidSignature);
        using var setup = await SignInAsync(consents: true);

        asked.Should().Contain(wallet);
        (await setup.CreateAgentAsync(new() { Name = "of a contract" })).Agent.Owner.Should().Be(wallet);
    }

    [Theory]
    [InlineData("0x60006000fd")] // reverts
    [InlineData("0xfe")] // burns all gas
    [InlineData("0x00")] // returns nothing
    [InlineData("0x60206000f3")] // returns 0
    [InlineData("0x5b600056")] // goes on for ever
    public async Task A_contract_that_does_not_say_yes_says_no(string code)
    {
        var wallet = EthECKey.GenerateKey();
        await sandbox.Chain.Node.RequestAsync<object>("anvil_setCode", wallet.GetPublicAddress(), code);

        var signIn = () => SetupClient.SignInAsync(sandbox.Config, wallet.GetPublicAddress(), (_, _) => Task.FromResult("0x1234"));

        (await signIn.Should().ThrowAsync<CapApiException>()).Which.Code.Should().Be(ErrorCodes.InvalidSignature);
    }

    [Theory]
    [InlineData("auth/challenge", """{}""", ErrorCodes.MissingRequiredField, "address")]
    [InlineData("auth/challenge", """{"address":"0x1"}""", ErrorCodes.ValidationError, "address")]
    [InlineData("auth/challenge", """{"address":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65\n"}""", ErrorCodes.ValidationError, "address")]
    [InlineData("auth/challenge", """{"address":"0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65","chainId":1}""", ErrorCodes.ValidationError, "chainId")]
    [InlineData("auth/login", """{"message":"x"}""", ErrorCodes.MissingRequiredField, "signature")]
    [InlineData("auth/login", """{"message":"x","signature":"1234"}""", ErrorCodes.ValidationError, "signature")]
    [InlineData("auth/login", """{"message":"x","signature":"0x123"}""", ErrorCodes.ValidationError, "signature")]
    [InlineData("auth/login", """{"message":"x","signature":"0x"}""", ErrorCodes.ValidationError, "signature")]
    [InlineData("auth/login", """{"message":"x","signature":"0xzz"}""", ErrorCodes.ValidationError, "signature")]
    [InlineData("auth/login", """{"message":null,"signature":"0x00"}""", ErrorCodes.ValidationError, "message")]
    public async Task What_is_malformed_is_named(string path, string body, string code, string field)
    {
        var answer = await sandbox.Api.PostAsync(null, path, body);

        answer.Status.Should().Be(HttpStatusCode.BadRequest, answer.Body);
        answer.Code.Should().Be(code);
        answer.Detail("field").GetString().Should().Be(field);
    }

    [Fact]
    public async Task Strangers_who_ask_for_messages_and_fail_to_sign_them_write_nothing()
    {
        var before = await sandbox.CountRowsAsync();

        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var (message, _, _) = await ChallengeAsync();
            await LoginAsync(message, Sign(message, EthECKey.GenerateKey()));
        }));

        (await sandbox.CountRowsAsync()).Should().Equal(before);
    }

    [Fact]
    public async Task A_giant_message_is_refused()
    {
        var (message, _, _) = await ChallengeAsync();

        (await LoginAsync(message + new string('x', 1_000_000), "0x00")).Code.Should().Be(ErrorCodes.ReplayedRequest);
        (await LoginAsync(new string('\n', 100_000), "0x00")).Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    [Fact]
    public async Task A_message_survives_a_restart()
    {
        var (message, _, _) = await ChallengeAsync();
        await sandbox.Relayer.StopAsync();
        await sandbox.Relayer.StartAsync();

        (await LoginAsync(message, Sign(message, _owner))).Status.Should().Be(HttpStatusCode.OK);
        (await LoginAsync(message, Sign(message, _owner))).Code.Should().Be(ErrorCodes.ReplayedRequest);
    }

    private async Task<(string Message, string Nonce, DateTimeOffset Expires)> ChallengeAsync()
    {
        var answer = await sandbox.Api.PostAsync(null, "auth/challenge", JsonSerializer.Serialize(new { address = _owner.GetPublicAddress() }));
        var challenge = answer.Data.Deserialize<Challenge>(CapJson.Options)!;
        return (challenge.Message, challenge.Nonce, challenge.ExpiresAt);
    }

    private Task<RawAnswer> LoginAsync(string message, string signature) =>
        sandbox.Api.PostAsync(null, "auth/login", JsonSerializer.Serialize(new { message, signature }));

    private static string Sign(string message, EthECKey key) => new EthereumMessageSigner().EncodeUTF8AndSign(message, key);
}
