using System.ComponentModel.DataAnnotations;

namespace CapVault.Relayer;

/// <summary>Settings of the relayer, section <c>CapVault</c>. Checked at start; a wrong one stops the start and says what is expected.</summary>
public sealed class RelayerOptions
{
    /// <summary>JSON-RPC address of the node.</summary>
    [Required]
    [Url]
    public string RpcUrl { get; set; } = "";

    /// <summary>The file that the deployment script wrote, <c>deployments/&lt;chainId&gt;.json</c>.</summary>
    [Required]
    public string DeploymentFile { get; set; } = "";

    /// <summary>
    /// A PostgreSQL connection string, <c>Host=…;Database=…;Username=…;Password=…</c>, for relayers that share the work. The default value is empty: SQLite
    /// in the data directory, for this one process. Without a pooler in between, <c>Max Auto Prepare=200</c> saves the server its planning.
    /// </summary>
    public string Database { get; set; } = "";

    /// <summary>Folder of the SQLite database, the master key, the operator key and objects. The default value is <c>data</c>.</summary>
    [Required]
    public string DataDirectory { get; set; } = "data";

    /// <summary>
    /// The address under which people reach this relayer, <c>https://relayer.example</c>: wallets show it to Owners who sign in, and warn when
    /// the page is another one. A sandbox may leave it out; elsewhere there is no wallet sign-in then. The default value is empty.
    /// </summary>
    [RegularExpression("^(https?://[^/?#]+(/[^?#]*)?)?$", ErrorMessage = "PublicUrl: expected an http or https address without query and fragment, or nothing.")]
    public string PublicUrl { get; set; } = "";

    /// <summary>Private key of the EOA that submits, 0x-prefixed. It needs ETH. The keys of further lanes derive from it, and it funds them.</summary>
    [Required]
    [RegularExpression("^0x[0-9a-fA-F]{64}$", ErrorMessage = "LaneKey: expected a 0x-prefixed private key of 64 hex digits.")]
    public string LaneKey { get; set; } = "";

    /// <summary>Private key that signs for the paymaster, 0x-prefixed.</summary>
    [Required]
    [RegularExpression("^0x[0-9a-fA-F]{64}$", ErrorMessage = "SponsorKey: expected a 0x-prefixed private key of 64 hex digits.")]
    public string SponsorKey { get; set; } = "";

    /// <summary>AES-256 key that encrypts Executor keys, 0x-prefixed. The default value is a file <c>master.key</c> in the data directory, made at first start.</summary>
    [RegularExpression("^(0x[0-9a-fA-F]{64})?$", ErrorMessage = "MasterKey: expected 0x and 64 hex digits, or nothing.")]
    public string MasterKey { get; set; } = "";

    /// <summary>Maps the faucet and the clock. Refused unless the chain id is 31337 and the node is Anvil. The default value is false.</summary>
    public bool Sandbox { get; set; }

    /// <summary>Private key of the sandbox USDC's minter; needed with <see cref="Sandbox"/>.</summary>
    [RegularExpression("^(0x[0-9a-fA-F]{64})?$", ErrorMessage = "FaucetKey: expected a 0x-prefixed private key of 64 hex digits, or nothing.")]
    public string FaucetKey { get; set; } = "";

    /// <summary>How long after a negotiation's end the order may be paid, seconds (with its 7 days, the vault's 30). The default value is 1 800.</summary>
    [Range(60, 1_900_000)]
    public int PayWindowSeconds { get; set; } = 1800;

    /// <summary>
    /// What this process does: <c>api</c> (answers), <c>lanes</c> (sends), <c>follower</c> (follows the chain), <c>keeper</c> (deploys, expires, sweeps, tops
    /// up), with commas in between. Of several processes on one database each part needs one that does it. The default value is all four.
    /// </summary>
    [RegularExpression("^(api|lanes|follower|keeper)(,(api|lanes|follower|keeper))*$", ErrorMessage = "Roles: expected some of api, lanes, follower and keeper, with commas in between.")]
    public string Roles { get; set; } = "api,lanes,follower,keeper";

    /// <summary>Whether this process does a part.</summary>
    public bool Has(string role) => Roles.Split(',').Contains(role, StringComparer.Ordinal);

    /// <summary>The keeper sweeps a token's fees from this amount on, base units. The default value is 1 000 000 (1 USDC).</summary>
    [Range(1, long.MaxValue)]
    public long SweepMinimum { get; set; } = 1_000_000;

    /// <summary>How often the keeper looks at fees, the deposit and objects, seconds. The default value is 60.</summary>
    [Range(1, 86_400)]
    public int SweepIntervalSeconds { get; set; } = 60;

    /// <summary>The keeper tops the paymaster's deposit up to twice this, wei. The default value is 1 ETH.</summary>
    [Range(1, long.MaxValue)]
    public long MinimumDeposit { get; set; } = 1_000_000_000_000_000_000;

    /// <summary>
    /// What is sponsored and for how much, a JSON file. The default value is empty: a sandbox then sponsors everything, and any other relayer nothing.
    /// </summary>
    public string SponsorPolicyFile { get; set; } = "";

    /// <summary>How often the node is asked for its head, milliseconds. The default value is 50.</summary>
    [Range(10, 60_000)]
    public int PollMilliseconds { get; set; } = 50;

    /// <summary>A block this deep is final: its transactions are not watched any more. The default value is 12.</summary>
    [Range(1, 10_000)]
    public int FinalityBlocks { get; set; } = 12;

    /// <summary>An unmined transaction is sent again this often, milliseconds. The default value is 1 000.</summary>
    [Range(50, 600_000)]
    public int ResendMilliseconds { get; set; } = 1000;

    /// <summary>Tip per gas, wei. A fixed bound: a tip that follows what the node suggests feeds on its own transactions. The default value is 1 gwei.</summary>
    [Range(0, 1_000_000_000_000)]
    public long PriorityFee { get; set; } = 1_000_000_000;

    /// <summary>How many EOAs submit side by side, each with nonces of its own. The default value is 4.</summary>
    [Range(1, 64)]
    public int Lanes { get; set; } = 4;

    /// <summary>How many bundles of one lane may wait to be mined. The default value is 4.</summary>
    [Range(1, 16)]
    public int InFlight { get; set; } = 4;

    /// <summary>How many operations go into one bundle at most. The default value is 50.</summary>
    [Range(1, 200)]
    public int BundleSize { get; set; } = 50;

    /// <summary>
    /// Gas of one bundle's operations at most; networks enforce 16.78M per transaction, and half a million comes on top. The default value is 15 000 000.
    /// </summary>
    [Range(1_000_000, 16_200_000)]
    public long BundleGas { get; set; } = 15_000_000;

    /// <summary>
    /// While a bundle of its lane is on its way an operation waits up to this long for others to travel with it, milliseconds. The default value is 25.
    /// </summary>
    [Range(0, 10_000)]
    public int BundleAgeMilliseconds { get; set; } = 25;

    /// <summary>
    /// The most that a transaction may offer per gas, wei. Above it nothing new is sent, and what was sent and is priced out is cancelled. The default
    /// value is 500 gwei.
    /// </summary>
    [Range(1, 1_000_000_000_000_000)]
    public long MaxFee { get; set; } = 500_000_000_000;

    /// <summary>The stream pings this often and gives up after twice as long, seconds. The default value is 30.</summary>
    [Range(1, 300)]
    public int HeartbeatSeconds { get; set; } = 30;

    /// <summary>How many streams (WebSocket, SSE, waiting long-polls) one key may have open. The default value is 32.</summary>
    [Range(1, 10_000)]
    public int StreamsPerKey { get; set; } = 32;

    /// <summary>How long events are kept for streams, days; after that, cursors are answered with CURSOR_EXPIRED. The default value is 30.</summary>
    [Range(1, 3650)]
    public int EventRetentionDays { get; set; } = 30;

    /// <summary>The largest object that can be uploaded, bytes. The default value is 67 108 864 (64 MiB).</summary>
    [Range(1, 5_368_709_120)]
    public long MaxObjectBytes { get; set; } = 67_108_864;

    /// <summary>What one agent's objects may take together, bytes. The default value is 1 073 741 824 (1 GiB).</summary>
    [Range(1, 1_099_511_627_776)]
    public long ObjectQuotaBytes { get; set; } = 1_073_741_824;

    /// <summary>How many objects one agent may have, those not uploaded yet included. The default value is 1 000.</summary>
    [Range(1, 1_000_000)]
    public int ObjectQuotaCount { get; set; } = 1000;

    /// <summary>How many requests an agent, or an Owner who signed in, may send per second in the long run, and ten times as many at once. The default value is 50.</summary>
    [Range(1, 1_000_000)]
    public int AgentRequestsPerSecond { get; set; } = 50;

    /// <summary>The same for each key of the operator. The default value is 5 000.</summary>
    [Range(1, 1_000_000)]
    public int OperatorRequestsPerSecond { get; set; } = 5000;

    /// <summary>The same for each address (of IPv6 the first half) that shows no good key. The default value is 20.</summary>
    [Range(1, 1_000_000)]
    public int AnonymousRequestsPerSecond { get; set; } = 20;

    /// <summary>
    /// Proxies in front of the relayer, addresses or networks with commas between them: whom they forward for is taken from X-Forwarded-For. From others that
    /// header is passed over, because anybody can write it. The default value is none.
    /// </summary>
    [RegularExpression(@"^([0-9a-fA-F.:]+(/\d{1,3})?(, ?|$))*$", ErrorMessage = "TrustedProxies: expected addresses or networks, such as 10.0.0.0/8, with commas between them.")]
    public string TrustedProxies { get; set; } = "";

    /// <summary>Asked to stop, the relayer finishes what is on its way for this long at most, seconds. The default value is 8, less than containers are given.</summary>
    [Range(0, 3600)]
    public int DrainSeconds { get; set; } = 8;

    /// <summary>Not ready when the last block of the node has not been applied for this long, seconds. The default value is 5.</summary>
    [Range(1, 3600)]
    public int ReadyLagSeconds { get; set; } = 5;

    /// <summary>Not ready when the node's newest block has been the same for this long, seconds. The default value is 60.</summary>
    [Range(1, 86_400)]
    public int StaleHeadSeconds { get; set; } = 60;

    /// <summary>Not ready when an operation has been waiting for this long, seconds. The default value is 900: longer than a signature that comes too late can wait.</summary>
    [Range(1, 86_400)]
    public int ReadyDueSeconds { get; set; } = 900;

    /// <summary>Logs as one JSON object a line instead of text. The default value is false.</summary>
    public bool JsonLogs { get; set; }

    /// <summary>Address of an OpenTelemetry collector that takes OTLP over HTTP, http://collector:4318. The default value is empty: no traces.</summary>
    [RegularExpression("^(https?://[^?#]+)?$", ErrorMessage = "OtlpEndpoint: expected an http or https address, or nothing.")]
    public string OtlpEndpoint { get; set; } = "";
}

/// <summary>The parts of <see cref="RelayerOptions.Roles"/>.</summary>
public static class RelayerRole
{
    /// <summary>Answers requests and streams.</summary>
    public const string Api = "api";

    /// <summary>Signs and sends transactions.</summary>
    public const string Lanes = "lanes";

    /// <summary>Follows the chain.</summary>
    public const string Follower = "follower";

    /// <summary>Does what nobody asks for.</summary>
    public const string Keeper = "keeper";
}
