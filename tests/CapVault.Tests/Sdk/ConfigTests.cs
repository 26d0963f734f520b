using CapVault.Sdk;

namespace CapVault.Tests.Sdk;

public class ConfigTests
{
    private const string Key = "croo_sk_000000000000000000_secret";

    [Theory]
    [InlineData("127.0.0.1:8080", null, null, 60, "BaseUrl")]
    [InlineData("ftp://relayer.example", null, null, 60, "BaseUrl")]
    [InlineData("http://relayer.example/api/v1", null, null, 60, "BaseUrl")]
    [InlineData("http://relayer.example?x=1", null, null, 60, "BaseUrl")]
    [InlineData("http://relayer.example", "http://relayer.example/api/v1/stream", null, 60, "WsUrl")]
    [InlineData("http://relayer.example", null, "localhost", 60, "RpcUrl")]
    [InlineData("http://relayer.example", null, null, 0, "OutcomeTimeout")]
    [InlineData("http://relayer.example", null, null, 86_401, "OutcomeTimeout")]
    public void A_wrong_setting_is_named_with_what_is_expected(string baseUrl, string? wsUrl, string? rpcUrl, int outcomeTimeout, string setting)
    {
        var config = new Config { BaseUrl = baseUrl, WsUrl = wsUrl, RpcUrl = rpcUrl, OutcomeTimeout = TimeSpan.FromSeconds(outcomeTimeout) };

        var making = () => new AgentClient(config, Key);

        making.Should().Throw<ArgumentException>().WithMessage($"Config.{setting}: found '*', expected *");
    }

    [Theory]
    [InlineData("http://127.0.0.1:8080", null, "http://127.0.0.1:8080/api/v1/", "ws://127.0.0.1:8080/api/v1/stream")]
    [InlineData("https://relayer.example/", null, "https://relayer.example/api/v1/", "wss://relayer.example/api/v1/stream")]
    [InlineData("https://example.com/cap", null, "https://example.com/cap/api/v1/", "wss://example.com/cap/api/v1/stream")]
    [InlineData("https://relayer.example", "wss://ws.example/s", "https://relayer.example/api/v1/", "wss://ws.example/s")]
    public void Addresses_derive_from_the_base(string baseUrl, string? wsUrl, string api, string stream)
    {
        var config = new Config { BaseUrl = baseUrl, WsUrl = wsUrl };

        config.ApiRoot.Should().Be(new Uri(api));
        config.StreamAddress.Should().Be(new Uri(stream));
    }

    [Fact]
    public void A_key_of_the_wrong_kind_is_refused_and_not_repeated()
    {
        var config = new Config { BaseUrl = "http://127.0.0.1:8080" };

        FluentActions.Invoking(() => new AgentClient(config, "ohk_test_topsecret")).Should().Throw<ArgumentException>()
            .Where(e => e.Message.Contains("croo_sk_") && !e.Message.Contains("topsecret"));
        FluentActions.Invoking(() => new SetupClient(config, "croo_sk_topsecret")).Should().Throw<ArgumentException>()
            .Where(e => e.Message.Contains("ohk_") && !e.Message.Contains("topsecret"));
        FluentActions.Invoking(() => new AgentClient(config, Key + "\r\nX-Evil: 1")).Should().Throw<ArgumentException>();
    }

    [Theory]
    [InlineData(404, "ORDER_NOT_FOUND", nameof(CapErrors.IsNotFound))]
    [InlineData(401, "INVALID_API_KEY", nameof(CapErrors.IsUnauthorized))]
    [InlineData(400, "MISSING_REQUIRED_FIELD", nameof(CapErrors.IsInvalidParams))]
    [InlineData(409, "DEADLINE_PASSED", nameof(CapErrors.IsInvalidStatus))]
    [InlineData(409, "ALREADY_DELIVERED", nameof(CapErrors.IsInvalidStatus))]
    [InlineData(403, "FORBIDDEN", nameof(CapErrors.IsForbidden))]
    [InlineData(422, "INSUFFICIENT_FUNDS", nameof(CapErrors.IsInsufficientBalance))]
    public void Exactly_one_predicate_fits_an_error(int status, string code, string predicate)
    {
        var error = new CapApiException(status, code, "why");
        var fitting = typeof(CapErrors).GetMethods().Where(m => m.ReturnType == typeof(bool) && m.IsStatic)
            .Where(m => (bool)m.Invoke(null, [error])!).Select(m => m.Name);

        fitting.Should().Equal(predicate);
        CapErrors.IsNotFound(new InvalidOperationException()).Should().BeFalse();
    }
}
