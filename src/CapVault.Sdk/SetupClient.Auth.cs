using CapVault.Sdk.Transport;
using Nethereum.Signer;

namespace CapVault.Sdk;

public sealed partial class SetupClient
{
    /// <summary>The Owner's session, where this client was made by signing in.</summary>
    public OwnerSession? Session { get; private init; }

    /// <summary>Signs in as the Owner whose key this is, for an hour (EIP-4361). The key stays here.</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="owner">The Owner's key.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public static Task<SetupClient> SignInAsync(Config config, EthECKey owner, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(owner);
        return SignInAsync(
            config, owner.GetPublicAddress(), (message, _) => Task.FromResult(new EthereumMessageSigner().EncodeUTF8AndSign(message, owner)), cancellationToken);
    }

    /// <summary>Signs in as an Owner whose wallet signs elsewhere: another program, a device, or a contract (ERC-1271).</summary>
    /// <param name="config">Where the relayer is.</param>
    /// <param name="address">The Owner's address.</param>
    /// <param name="sign">Signs a text as <c>personal_sign</c> does (EIP-191) and returns the signature, 0x-prefixed.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="CapApiException">Refused; or the relayer wants a text signed that would sign in somewhere else, or somebody else.</exception>
    public static async Task<SetupClient> SignInAsync(
        Config config, string address, Func<string, CancellationToken, Task<string>> sign, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(sign);
        config.Validate();
        using var api = new ApiConnection(config, key: null);
        var challenge = await api.PostRepeatableAsync<Challenge>("auth/challenge", new ChallengeRequest { Address = address }, key: null, cancellationToken);
        RequireOurs(challenge.Message, config, address);
        var signature = await sign(challenge.Message, cancellationToken);
        var session = await api.SendOnceAsync<OwnerSession>(
            HttpMethod.Post, "auth/login", new LoginRequest { Message = challenge.Message, Signature = signature }, cancellationToken);
        return new SetupClient(config, session.Token) { Session = session };
    }

    /// <summary>Ends the Owner's session: its token is dead when this returns.</summary>
    public Task SignOutAsync(CancellationToken cancellationToken = default) =>
        _api.SendOnceAsync<object>(HttpMethod.Post, "auth/logout", body: null, cancellationToken);

    /// <summary>Makes a key of the operator. It is shown this once.</summary>
    /// <param name="request">What it may do: some of what this client's own key may do, which must have the scope admin.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<CreateApiKeyResult> CreateApiKeyAsync(CreateApiKeyRequest request, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<CreateApiKeyResult>(HttpMethod.Post, "auth/api-keys", request, key: null, cancellationToken);

    /// <summary>The operator's keys that work, newest first.</summary>
    public Task<Page<ApiKey>> ListApiKeysAsync(ListRequest filter, CancellationToken cancellationToken = default) =>
        _api.GetPageAsync<ApiKey>($"auth/api-keys{Paths.Query(filter)}", cancellationToken);

    /// <summary>Revokes a key of the operator. It is dead when this returns, and its streams are closed.</summary>
    /// <param name="keyId"><see cref="ApiKey.KeyId"/>: the part between the second and the third underscore.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task RevokeApiKeyAsync(string keyId, CancellationToken cancellationToken = default) =>
        _api.SendKeyedAsync<object>(HttpMethod.Delete, $"auth/api-keys/{Paths.Segment(keyId)}", body: null, key: null, cancellationToken);

    // A relayer that hands on another site's message would get a signature that signs in there.
    private static void RequireOurs(string message, Config config, string address)
    {
        var site = config.ApiRoot.Authority;
        var lines = message.Split('\n');
        if (lines.Length < 2 || lines[0] != $"{site} wants you to sign in with your Ethereum account:" || !lines[1].Equals(address, StringComparison.OrdinalIgnoreCase))
        {
            throw new CapApiException(
                200,
                CapApiException.UnexpectedResponse,
                $"The relayer asks for a signature under '{lines[0]}' for '{(lines.Length > 1 ? lines[1] : "")}', expected {site} and {address}. "
                    + "Nothing was signed. Is Config.BaseUrl the address that its operator gave as PublicUrl?");
        }
    }
}
